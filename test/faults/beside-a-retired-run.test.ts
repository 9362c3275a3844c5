import { describe, expect, test } from 'vitest'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'

const GIVEN = `
create table teams (id int primary key, code int constraint named check (code <> 0));
insert into teams values (1, 1);
create table users (id int primary key, name text, legacy text, team int);
insert into users select i, 'user ' || i, 'legacy ' || i, 1 from generate_series(1, 5) i;
create index users_by_name on users (name);
create table profiles (user_id int primary key references users);
insert into profiles select id from users;
create table events (id int not null) partition by range (id);
create table events_1 partition of events for values from (0) to (100);
insert into events select generate_series(0, 9)`

const SETTINGS = {
  graceMs: 3_600_000,
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

const on = { namespace: 'public' } as const
const users = { ...on, table: 'users' } as const
const add = (table: string, column: string, more = {}): Operation => ({
  kind: 'add_column',
  ...on,
  table,
  column,
  type: 'text',
  nullable: true,
  ...more,
})
const DROP: Operation = { kind: 'drop_column', ...users, column: 'legacy' }
const RENAME: Operation = { kind: 'rename_column', ...users, from: 'name', to: 'full_name' }
const MERGE: Operation = {
  kind: 'merge_columns',
  ...users,
  from: [
    { name: 'name', down: `split_part(known, '/', 1)` },
    { name: 'legacy', down: `split_part(known, '/', 2)` },
  ],
  to: 'known',
  type: 'text',
  nullable: true,
  up: `name || '/' || legacy`,
}
const SPLIT: Operation = {
  kind: 'split_column',
  ...users,
  from: 'legacy',
  to: [
    { name: 'word', type: 'text', nullable: true, up: `split_part(legacy, ' ', 1)` },
    { name: 'rest', type: 'text', nullable: true, up: `split_part(legacy, ' ', 2)` },
  ],
  down: `word || ' ' || rest`,
}
const MOVE: Operation = {
  kind: 'move_column',
  from: { ...users, column: 'legacy' },
  to: { ...on, table: 'profiles', column: 'legacy' },
  on: [{ target: 'user_id', source: 'id' }],
}
const DETACH: Operation = { kind: 'detach_partition', ...on, table: 'events', partition: 'events_1' }
const PEOPLE: Operation = { kind: 'rename_table', ...users, to: 'people' }

/** A run whose old shape is hidden, and will be for another hour. */
async function retired(...operations: readonly Operation[]) {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  const first: Migration = { name: '0001_first', operations }
  const { id, state } = await bellows.change((driver) => driver.advance(first, 'retire'))
  expect(state).toBe('retiring')
  return {
    database,
    bellows,
    second: (...added: readonly Operation[]) =>
      bellows.change((driver) => driver.advance({ name: '0002_second', operations: added }, 'expand')),
    undo: () => bellows.change((driver) => driver.undo(id)),
    rollback: () => bellows.change((driver) => driver.rollback(id)),
    purge: () => bellows.change((driver) => driver.resume(id, 'purge')),
    state: async () => (await bellows.runs({ id }))[0]?.state,
    /** What old instances read. */
    values: async (column: string) =>
      (await database.query<{ value: string }>(`select ${column} as value from users order by id`)).map(
        ({ value }) => value,
      ),
  }
}

const LEGACY = [1, 2, 3, 4, 5].map((id) => `legacy ${id}`)
const NAMES = [1, 2, 3, 4, 5].map((id) => `user ${id}`)

describe('beside a run that has hidden something', () => {
  test.each<[string, readonly Operation[], Operation, string]>([
    ['by the name of a column that is to go', [DROP], add('users', 'legacy'), '"users"."legacy"'],
    ['by the old name of a column', [RENAME], add('users', 'name'), '"users"."name"'],
    ['by the name of one of two', [MERGE], add('users', 'legacy'), '"users"."legacy"'],
    ['by the name of one that became two', [SPLIT], add('users', 'legacy'), '"users"."legacy"'],
    ['by the name of one that was moved', [MOVE], add('users', 'legacy'), '"users"."legacy"'],
    ['to a table that lost a partition', [DETACH], add('events', 'note'), '"events"'],
    ['to what was a partition', [DETACH], add('events_1', 'note'), '"events_1"'],
    ['to a table with another name', [PEOPLE], add('people', 'note'), '"people"'],
    [
      'with a check over a column that is to go',
      [RENAME],
      add('users', 'note', { check: { constraint: 'note <> full_name' } }),
      '"users"."full_name"',
    ],
    [
      'to a table that a statement of a person changes',
      [
        {
          kind: 'sql',
          ...on,
          up: 'alter table users drop column legacy',
          down: 'alter table users add column legacy text',
          phase: 'expand',
          unsafe: 'it is a test',
        },
        { kind: 'drop_column', ...on, table: 'teams', column: 'code' },
      ],
      add('users', 'legacy'),
      '"users"',
    ],
  ])('a column is not added %s', async (_what, operations, added, named) => {
    const { second } = await retired(...operations)
    await expect(second(added)).rejects.toMatchObject({
      code: 'run_conflict',
      message: `The migration "0001_first" is at work on ${named} (retiring).`,
    })
  })

  test('another column is added, and all that was hidden comes back', async () => {
    const { second, undo, rollback, values } = await retired(RENAME, DROP)
    await second(add('users', 'note', { type: 'int', references: { ...on, table: 'teams', column: 'id' } }))
    await undo()
    expect(await values('legacy')).toEqual(LEGACY)
    expect((await rollback()).state).toBe('rolled_back')
    expect(await values('name')).toEqual(NAMES)
    expect(await values('note')).toEqual([null, null, null, null, null])
  })
})

describe('a name that somebody else has given away meanwhile', () => {
  test.each<[string, Operation, string, readonly string[]]>([
    ['drop_column', DROP, 'legacy', LEGACY],
    ['rename_column', RENAME, 'name', NAMES],
    ['merge_columns', MERGE, 'legacy', LEGACY],
    ['split_column', SPLIT, 'legacy', LEGACY],
    ['move_column', MOVE, 'legacy', LEGACY],
  ])('is not taken for the column that %s has hidden', async (_kind, operation, column, values) => {
    const run = await retired(operation)
    await run.database.query(`alter table users add ${column} text default 'theirs'`)
    const refused = {
      code: 'drift_found',
      message: `There is another "${column}" in "users" by now, and the old one is still hidden; rename that one first.`,
    }
    await expect(run.undo()).rejects.toMatchObject(refused)
    await expect(run.rollback()).rejects.toMatchObject(refused)
    // Nothing was taken back yet, so the way forward is open, too.
    expect(await run.state()).toBe('retiring')

    await run.database.query(`alter table users rename ${column} to theirs`)
    expect((await run.undo()).state).toBe('rolling_out')
    expect(await run.values(column)).toEqual(values)
    expect((await run.rollback()).state).toBe('rolled_back')
    expect(await run.values(column)).toEqual(values)
    expect(await run.values('theirs')).toEqual(['theirs', 'theirs', 'theirs', 'theirs', 'theirs'])
  })

  test('keeps nothing from being dropped, and stays what it is', async () => {
    const { database, bellows, values } = await retired(DROP)
    await database.query(`alter table users add legacy text default 'theirs'`)
    const patient = await database.bellows({ settings: { ...SETTINGS, graceMs: 0 } })
    const [run] = await bellows.runs('open')
    const done = await patient.change((driver) => driver.resume(run?.id ?? 0, 'purge'))
    expect(done.state).toBe('completed')
    expect(await values('legacy')).toEqual(['theirs', 'theirs', 'theirs', 'theirs', 'theirs'])
  })

  test('keeps a rollback from being begun, where an index had it', async () => {
    const { database, rollback, state } = await retired(
      { kind: 'rename_index', ...users, from: 'users_by_name', to: 'by_name' },
      DROP,
    )
    await database.query('create index users_by_name on teams (code)')
    await expect(rollback()).rejects.toMatchObject({ code: 'drift_found' })
    expect(await state()).toBe('retiring')
    await database.query('drop index users_by_name')
    expect((await rollback()).state).toBe('rolled_back')
  })
})

describe('a constraint that somebody else has put up meanwhile', () => {
  test('is not taken for the one of its name that was dropped', async () => {
    const { database, rollback } = await retired(
      { kind: 'drop_constraint', ...on, table: 'teams', name: 'named' },
      DROP,
    )
    await database.query('alter table teams add constraint named check (id > 0)')
    await expect(rollback()).rejects.toMatchObject({
      code: 'drift_found',
      message: '"teams" has got another constraint "named" since that one was dropped.',
    })
    await database.query('alter table teams rename constraint named to theirs')
    expect((await rollback()).state).toBe('rolled_back')
    expect(
      await database.query(
        `select conname as name, pg_get_constraintdef(oid) as rule from pg_constraint where conrelid = 'teams'::regclass and contype = 'c' order by 1`,
      ),
    ).toEqual([
      { name: 'named', rule: 'CHECK ((code <> 0))' },
      { name: 'theirs', rule: 'CHECK ((id > 0))' },
    ])
  })
})

describe('a constraint by the old name of another one', () => {
  test('keeps that from getting its name back', async () => {
    const { database, undo } = await retired(
      { kind: 'rename_constraint', ...on, table: 'teams', from: 'named', to: 'renamed' },
      DROP,
    )
    await database.query('alter table teams add constraint named check (id > 0)')
    await expect(undo()).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringMatching(/^There is another constraint .*named/),
    })
    await database.query('alter table teams drop constraint named')
    expect((await undo()).state).toBe('rolling_out')
  })
})

describe('a column that somebody else has added meanwhile', () => {
  test('keeps a partition from being attached again before anything is taken back', async () => {
    const { database, undo, rollback, state } = await retired(DETACH)
    await database.query('alter table events add note text')
    const refused = {
      code: 'drift_found',
      message:
        '"events_1" and "events" have not the same columns any more, so the one cannot be attached to the other; give both the same, and run the same command again: note.',
    }
    await expect(undo()).rejects.toMatchObject(refused)
    await expect(rollback()).rejects.toMatchObject(refused)
    expect(await state()).toBe('retiring')
    await database.query('alter table events_1 add note text')
    expect((await rollback()).state).toBe('rolled_back')
    expect(await database.query('select count(*)::int as rows from events')).toEqual([{ rows: 10 }])
  })

  test('is a column of both names of a table that is renamed, when the old name is back', async () => {
    const { database, undo, rollback } = await retired(PEOPLE)
    await database.query('alter table people add note text, add "a ""b" text')
    await undo()
    await database.query(`update people set note = 'kept', "a ""b" = name where id = 1`)
    expect(await database.query('select note, "a ""b" as odd from users where id = 1')).toEqual([
      { note: 'kept', odd: 'user 1' },
    ])
    expect((await rollback()).state).toBe('rolled_back')
    expect(await database.query('select note from users where id = 1')).toEqual([{ note: 'kept' }])
  })
})
