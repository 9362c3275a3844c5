import { expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { begun, bellowsWaits } from '../faults/begun.ts'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'

const GIVEN = `create table teams (id int primary key); insert into teams values (1);
  create table users (id bigint, name text, team int); insert into users values (1, 'ann', 1), (2, 'bob', 1);
  create table events (id bigint, name text, team int) partition by range (id);
  create table events_1 partition of events for values from (0) to (100); create table events_2 partition of events for values from (100) to (200);
  insert into events values (1, 'ann', 1), (101, 'bob', 1)`
const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

const add = (table: string, more: object) =>
  ({ kind: 'add_constraint', namespace: 'public', table, when: 'before_rollout', ...more }) as Operation
const toTeams = {
  foreign_key: { columns: ['team'], references: { namespace: 'public', table: 'teams', columns: ['id'] } },
}
const filled = (table: string): Operation => ({
  kind: 'alter_column',
  namespace: 'public',
  table,
  column: 'name',
  nullable: false,
  when: 'before_rollout',
})

interface Late {
  readonly operation: Operation
  /** What somebody writes behind the last look. */
  readonly row: string
  readonly told: string
  readonly shown: object
  /** What has to be done about it. */
  readonly mended: string
}

const CASES: readonly (readonly [string, Late])[] = ['users', 'events'].flatMap((table) => {
  const row = (values: string) => `insert into ${table} values ${values}`
  const mended = `delete from ${table} where id = 3`
  return [
    [
      `a unique constraint of ${table}`,
      {
        operation: add(table, { unique: ['name', 'id'] }),
        row: row(`(3, 'late', 1), (3, 'late', 1)`),
        told: `Rows of "${table}" have the same "name", "id": they came after the last look, so the unique constraint "${table}_name_id_key" is not up yet.`,
        shown: { name: 'late', id: 3, 'how often': 2 },
        mended,
      },
    ],
    [
      `a primary key of ${table}`,
      {
        operation: add(table, { primary_key: ['id'] }),
        row: row(`(3, 'late', 1), (3, 'later', 1)`),
        told: `Rows of "${table}" have the same "id": they came after the last look, so the primary key "${table}_pkey" is not up yet.`,
        shown: { id: 3, 'how often': 2 },
        mended,
      },
    ],
    [
      `a check of ${table}`,
      {
        operation: add(table, { check: `name <> 'late'` }),
        row: row(`(3, 'late', 1)`),
        told: `Rows of "${table}" break name <> 'late': they came after the last look, so the check "${table}_name_check" is not up yet.`,
        shown: { name: 'late' },
        mended,
      },
    ],
    [
      `a foreign key of ${table}`,
      {
        operation: add(table, toTeams),
        row: row(`(3, 'late', 7)`),
        told: `Rows of "${table}" have a "team" that no row of "teams" has: they came after the last look, so the foreign key "${table}_team_fkey" is not up yet.`,
        shown: { team: 7 },
        mended,
      },
    ],
    [
      `NOT NULL of ${table}`,
      {
        operation: filled(table),
        row: row('(3, null, 1)'),
        told: `Rows of "${table}" have no "name": they came after the last look, so NOT NULL is not up yet.`,
        shown: { name: null },
        mended,
      },
    ],
  ] as const
})

test.each(CASES)(
  'rows that come behind the last look are told, and the same command goes on: %s',
  async (_what, { operation, row, told, shown, mended }) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const wanted = { name: '0001_test', operations: [operation] }
    await bellows.change((driver) => driver.advance(wanted, 'expand'))
    await database.query(row)
    const verifying = () => bellows.change((driver) => driver.advance(wanted, 'verify'))
    const refusal = {
      code: 'rows_in_the_way',
      message: expect.stringContaining(told),
      hint: expect.stringContaining('it goes on with this step'),
      facts: { rows: [expect.objectContaining(shown)] },
    }
    await expect(verifying()).rejects.toMatchObject(refusal)
    await expect(verifying(), 'also by the next command').rejects.toMatchObject(refusal)
    await database.query(mended)
    const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
    expect(run.state).toBe('completed')
    await expect(database.query(row)).rejects.toThrow()
  },
)

test.each(CASES)('and a rollback leaves nothing of it: %s', async (_what, { operation, row }) => {
  const database = await testDatabase(GIVEN)
  const before = await catalog(database)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = { name: '0001_test', operations: [operation] }
  await bellows.change((driver) => driver.advance(wanted, 'expand'))
  await database.query(row)
  await expect(bellows.change((driver) => driver.advance(wanted, 'verify'))).rejects.toMatchObject({
    code: 'rows_in_the_way',
  })
  const [run] = await bellows.runs()
  await bellows.change((driver) => driver.rollback(run?.id ?? 0))
  expect(await catalog(database)).toEqual(before)
  await database.query(row)
})

test.each<[string, Operation]>([
  [
    'create_index',
    {
      kind: 'create_index',
      definition: 'create unique index one_name on users (lower(name)) where team = 1',
      when: 'before_rollout',
    },
  ],
  [
    'replace_index',
    {
      kind: 'replace_index',
      definition: 'create unique index by_name on users (lower(name)) where team = 1',
      when: 'before_rollout',
    },
  ],
])('a duplicate that comes as the unique index is built is told: %s', async (_what, operation) => {
  const database = await testDatabase(`${GIVEN}; create index by_name on users (name)`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = { name: '0001_test', operations: [operation] }
  const late = await begun(database, 'late')
  await late.session.query(`insert into users values (3, 'Ann', 1)`)
  const refused = bellows
    .change((driver) => driver.advance(wanted, 'expand'))
    .catch((error: unknown) => error)
  await bellowsWaits(database)
  await late.commit()
  expect(await refused).toMatchObject({
    code: 'rows_in_the_way',
    message: expect.stringMatching(
      /are equal by what the unique index ".*" is to keep apart: they came after the last look/,
    ),
    facts: { rows: [{ lower: 'ann', 'how often': 2 }] },
  })
  await database.query('delete from users where id = 3')
  const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(run.state).toBe('completed')
})

const YEARS = `create table log (at date not null, said text) partition by range (at);
  create table log_2021 (at date not null, said text); create table log_rest partition of log default`
const BOUNDS = `for values from ('2021-01-01') to ('2022-01-01')`
const attach: Operation = {
  kind: 'attach_partition',
  namespace: 'public',
  table: 'log',
  partition: 'log_2021',
  bounds: BOUNDS,
}
const make: Operation = {
  kind: 'create_table',
  namespace: 'public',
  table: 'log_new',
  columns: [],
  constraints: [],
  partitionOf: { table: 'log', bounds: BOUNDS },
}
const LARGE = `insert into log select '2030-01-01', repeat('x', 2000) from generate_series(1, 1500)`
const IN_DEFAULT = `Rows of the default partition "log_rest" are ${BOUNDS}: they came after the last look, so the partition`

test.each<[string, Operation, string, string]>([
  ['of the partition', attach, '', `Rows of "log_2021" are not ${BOUNDS}: they came after the last look`],
  ['of a small default partition', attach, '', `${IN_DEFAULT} "log_2021" is not up yet.`],
  ['of a large one', { ...attach, refuseInDefault: true }, LARGE, `${IN_DEFAULT} "log_2021" is not up yet.`],
  ['of it as a new partition is made', make, '', `${IN_DEFAULT} "log_new" is not up yet.`],
])('rows that come behind the look at the bounds are told: %s', async (what, operation, given, told) => {
  const database = await testDatabase(`${YEARS}; ${given}`)
  const bellows = await database.bellows({ settings: SETTINGS })
  const wanted = { name: '0001_test', operations: [operation] }
  const late = await begun(database, 'late')
  const [table, at] = what === 'of the partition' ? ['log_2021', '2022-02-02'] : ['log', '2021-02-02']
  await late.session.query(`insert into ${table} values ('${at}', 'late')`)
  const refused = bellows
    .change((driver) => driver.advance(wanted, 'expand'))
    .catch((error: unknown) => error)
  await bellowsWaits(database)
  await late.commit()
  const refusal = {
    code: 'rows_in_the_way',
    message: expect.stringContaining(told),
    hint: expect.stringContaining('it goes on with this step'),
    facts: { rows: [expect.objectContaining({ said: 'late' })] },
  }
  expect(await refused).toMatchObject(refusal)
  const again = bellows.change((driver) => driver.advance(wanted, 'expand'))
  await expect(again, 'also by the next command').rejects.toMatchObject(refusal)
  await database.query(`delete from ${table} where said = 'late'`)
  const run = await bellows.change((driver) => driver.advance(wanted, 'purge'))
  expect(run.state).toBe('completed')
  await database.query(`insert into log values ('2021-02-02', 'late')`)
})
