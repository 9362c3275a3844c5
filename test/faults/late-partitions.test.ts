import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Migration } from '../../src/index.ts'
import { testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'

const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange
const GIVEN = `create table users (id int not null) partition by range (id);
  create table low partition of users for values from (0) to (50);
  create table high partition of users for values from (50) to (100) partition by range (id);
  create table high_a partition of high for values from (50) to (75);
  insert into users select generate_series(1, 74)`
const CHECK: Migration = {
  name: '0001_test',
  operations: [
    {
      kind: 'add_constraint',
      namespace: 'public',
      table: 'users',
      name: 'positive',
      check: 'id > 0',
      when: 'before_rollout',
    },
  ],
}
/** A loaded table with the check, which nobody has proved. */
const late = (parent: string, from: number) => `
  create table late (id int not null); insert into late values (${from}); alter table late add constraint positive check (id > 0) not valid;
  alter table ${parent} attach partition late for values from (${from}) to (${from + 25})`

/** Just as the proof of somebody else is sent. */
test.each([
  ['another one', 'low', late('users', 200), ['high_a', 'low', 'high', 'late', 'users']],
  ['its parent', 'high', late('high', 75), ['high_a', 'low', 'high', 'late', 'high', 'users']],
  ['the table', 'users', late('users', 200), ['high_a', 'low', 'high', 'users', 'late', 'users']],
])(
  'a partition that is attached unproved as %s has its turn is proved by itself, and nothing above it before',
  async (_what, at, statement, order) => {
    const database = await testDatabase(GIVEN)
    const sent: string[] = []
    let isLate = false
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind }) => {
          if (isLate || kind !== 'transact' || sent.at(-1) !== at) return
          isLate = true
          await database.query(statement)
        },
      },
      {
        settings: SETTINGS,
        sent: (transaction) => {
          const [, table] = /alter table "public"\."(\w+)" validate/.exec(transaction.statements.join()) ?? []
          if (table !== undefined) sent.push(table)
          return transaction
        },
      },
    )

    await bellows.change((driver) => driver.advance(CHECK, 'verify'))

    expect(sent).toEqual(order)
    expect(await database.query('select from pg_constraint where not convalidated')).toEqual([])
    await bellows.close()
  },
)

const KEY: Migration = {
  name: '0001_test',
  operations: [
    {
      kind: 'add_constraint',
      namespace: 'public',
      table: 'users',
      name: 'known',
      foreign_key: { columns: ['id'], references: { namespace: 'public', table: 'people', columns: ['id'] } },
      when: 'before_rollout',
    },
  ],
}
const INDEX: Migration = {
  name: '0001_test',
  operations: [{ kind: 'create_index', definition: 'create index by_id on users (id)' }],
}
const GOING: readonly (readonly [string, Migration, RegExp])[] = [
  ['a check is proved', CHECK, /"low" validate constraint/],
  ['a foreign key is put', KEY, /"low" add constraint/],
  ['a foreign key is proved', KEY, /"low" validate constraint/],
  ['an index is built', INDEX, /^create index concurrently/],
  ['an index is attached', INDEX, /attach partition "public"\."low/],
]

test.each(
  GOING.flatMap(([what, ...given]) =>
    (['drop table low', 'alter table low rename to lowest'] as const).map(
      (statement) => [what, statement, ...given] as const,
    ),
  ),
)('a partition that leaves its name just as %s ends nothing: %s', async (_what, statement, migration, at) => {
  const database = await testDatabase(
    `create table people (id int primary key); insert into people select generate_series(1, 74); ${GIVEN}`,
  )
  let [sent, isGone] = ['', false]
  const { bellows } = faultyBellows(
    database.url,
    {
      before: async ({ kind, what }) => {
        if (isGone || !at.test(kind === 'transact' ? sent : what)) return
        isGone = true
        await database.query(statement)
      },
    },
    {
      settings: SETTINGS,
      sent: (transaction) => {
        sent = transaction.statements.join()
        return transaction
      },
    },
  )

  await bellows.change((driver) => driver.advance(migration, 'verify'))

  expect(isGone).toBe(true)
  expect(await database.query('select from pg_constraint where not convalidated')).toEqual([])
  expect(await database.query('select from pg_index where not indisvalid')).toEqual([])
  await bellows.close()
})
