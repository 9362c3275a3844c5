import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/index.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'

const SETTINGS: SettingsChange = {
  lock: { canaryTimeoutMs: 20, heldTimeoutMs: 50, pauseMaxMs: 50, deadlineMs: 200 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
const GIVEN = `create table others (id int primary key);
  create table users (id int not null, team int, name text default 'old', code text, price int, constraint old_name check (price > 0));
  insert into users select i, null, 'user ' || i, 'c' || i, i from generate_series(1, 20) i;
  create index by_code on users (code)`
const ON = { namespace: 'public', table: 'users' } as const
/** What a run begins with, so that somebody else comes in between. */
const FIRST: Operation = {
  kind: 'add_column',
  namespace: 'public',
  table: 'others',
  column: 'seen',
  type: 'text',
  nullable: true,
}
const CHECK: Operation = { kind: 'add_constraint', ...ON, name: 'rule', check: 'price > 0' }
const UNIQUE: Operation = { kind: 'add_constraint', ...ON, name: 'rule', unique: ['code'] }
const KEY: Operation = { kind: 'add_constraint', ...ON, name: 'rule', primary_key: ['code'] }
const FOREIGN: Operation = {
  kind: 'add_constraint',
  ...ON,
  name: 'rule',
  foreign_key: {
    columns: ['team'],
    references: { namespace: 'public', table: 'others', columns: ['id'] },
  },
}
const EXCLUSION: Operation = {
  kind: 'add_constraint',
  ...ON,
  name: 'rule',
  exclude: 'using btree (code with =)',
}
const INDEX: Operation = { kind: 'create_index', definition: 'create index rule on users (code, price)' }
const REPLACED: Operation = {
  kind: 'replace_index',
  definition: 'create index by_code on users (code, price)',
}
const RENAMED: Operation = { kind: 'rename_index', ...ON, from: 'by_code', to: 'by_its_code' }
const RENAMED_RULE: Operation = { kind: 'rename_constraint', ...ON, from: 'old_name', to: 'new_name' }

test.for<readonly [string, Operation, string]>([
  ['a check', CHECK, 'alter table users add constraint rule check (price > 0)'],
  [
    'a check of another expression',
    CHECK,
    'alter table users add constraint rule check (price > -5) not valid',
  ],
  ['a key where a check was to be', CHECK, 'alter table users add constraint rule unique (price)'],
  ['a unique constraint', UNIQUE, 'alter table users add constraint rule unique (code)'],
  ['a unique index', UNIQUE, 'create unique index rule on users (code)'],
  ['another index', UNIQUE, 'create index rule on users (price)'],
  ['a check where a key was to be', UNIQUE, 'alter table users add constraint rule check (price > 0)'],
  ['a NOT NULL of a primary key', KEY, 'alter table users alter code set not null'],
  ['a primary key', KEY, 'alter table users add constraint rule primary key (code)'],
  ['a foreign key', FOREIGN, 'alter table users add constraint rule foreign key (team) references others'],
  ['an exclusion', EXCLUSION, 'alter table users add constraint rule exclude using btree (code with =)'],
  [
    'an exclusion of another definition',
    EXCLUSION,
    'alter table users add constraint rule exclude using btree (price with =)',
  ],
  ['an index', INDEX, 'create index rule on users (code, price)'],
  ['another index of the name', INDEX, 'create index rule on users (price)'],
  [
    'an index of the new definition',
    REPLACED,
    'drop index by_code; create index by_code on users (code, price)',
  ],
  ['an index of a third definition', REPLACED, 'drop index by_code; create index by_code on users (price)'],
  ['the new name of an index', RENAMED, 'alter index by_code rename to by_its_code'],
  ['the new name of a constraint', RENAMED_RULE, 'alter table users rename constraint old_name to new_name'],
  [
    'another constraint of the old name',
    RENAMED_RULE,
    'alter table users drop constraint old_name, add constraint old_name unique (price)',
  ],
  [
    'another default',
    { kind: 'alter_column', ...ON, column: 'name', default: `'new'` },
    `alter table users alter name set default 'third'`,
  ],
  [
    'the same default',
    { kind: 'alter_column', ...ON, column: 'name', default: `'new'` },
    `alter table users alter name set default 'new'`,
  ],
  [
    'no default any more',
    { kind: 'alter_column', ...ON, column: 'name', default: `'new'` },
    'alter table users alter name drop default',
  ],
  [
    'no default, as planned',
    { kind: 'alter_column', ...ON, column: 'name', default: null },
    'alter table users alter name drop default',
  ],
  [
    'another default where none was to be',
    { kind: 'alter_column', ...ON, column: 'name', default: null },
    `alter table users alter name set default 'third'`,
  ],
  [
    'NOT NULL',
    { kind: 'alter_column', ...ON, column: 'code', nullable: false },
    'alter table users alter code set not null',
  ],
  [
    'NULL',
    { kind: 'alter_column', ...ON, column: 'id', nullable: true },
    'alter table users alter id drop not null',
  ],
])(
  '%s that somebody else made meanwhile is neither taken for ours nor taken back',
  async ([, operation, byHand]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const migration = { name: '0001_test', operations: [FIRST, operation] }
    const reader = await database.session()
    await reader.query('begin; select from others')
    const contract = () => bellows.change((driver) => driver.advance(migration, 'purge'))
    await expect(contract()).rejects.toMatchObject({ code: 'lock_not_had' })
    await reader.query('rollback')
    await database.query(byHand)
    const before = await catalog(database)

    await expect(contract()).rejects.toMatchObject({ code: 'drift_found' })
    const run = await bellows.run(migration.name)
    expect((await bellows.change((driver) => driver.rollback(run?.id ?? 0))).state).toBe('rolled_back')

    expect(await catalog(database)).toEqual(before)
    expect(await traces(database)).toEqual([])
  },
)

test('a default that the migration gives to its own column is taken away, and comes back', async () => {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  // What is dropped in the purge keeps the run from being over before.
  const operations: Operation[] = [
    REPLACED,
    { kind: 'add_column', ...ON, column: 'slug', type: 'text', nullable: true, default: `'none'` },
    { kind: 'alter_column', ...ON, column: 'slug', default: null },
  ]
  const migration = { name: '0001_test', operations }
  const defaults = () =>
    database.query(`select column_default as is from information_schema.columns where column_name = 'slug'`)
  await bellows.change((driver) => driver.advance(migration, 'retire'))
  expect(await defaults()).toEqual([{ is: null }])
  await bellows.change((driver) => driver.undo(1))
  expect(await defaults()).toEqual([{ is: "'none'::text" }])
  await bellows.change((driver) => driver.advance(migration, 'retire'))
  await bellows.change((driver) => driver.rollback(1))
  expect(await defaults()).toEqual([])
})

test('a rule that was dropped does not come back as another one of its name', async () => {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  const operations: Operation[] = [{ kind: 'drop_constraint', ...ON, name: 'old_name' }, REPLACED]
  await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'expand'))
  await database.query('alter table users add constraint old_name unique (code)')
  const rollback = () => bellows.change((driver) => driver.rollback(1))
  await expect(rollback()).rejects.toMatchObject({ code: 'drift_found' })
  await database.query('alter table users drop constraint old_name')
  expect((await rollback()).state).toBe('rolled_back')
  expect(
    await database.query(
      `select pg_get_constraintdef(oid) as is from pg_constraint where conname = 'old_name'`,
    ),
  ).toEqual([{ is: 'CHECK ((price > 0))' }])
})

test.for<readonly [string, Operation]>([
  ['a check', CHECK],
  ['a unique constraint', { ...UNIQUE, deferrable: 'initially_deferred' }],
  ['a primary key', KEY],
  ['a foreign key', FOREIGN],
  ['an exclusion', EXCLUSION],
])(
  '%s that the run itself has made is taken back, before the rollout and behind it',
  async ([, operation]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const before = await catalog(database)
    for (const [at, when] of (['before_rollout', 'after_rollout'] as const).entries()) {
      const early = { ...operation, when } as Operation
      const migration = { name: `000${at + 1}_test`, operations: [REPLACED, early] }
      const run = await bellows.change((driver) => driver.advance(migration, 'retire'))
      expect(await catalog(database)).not.toEqual(before)
      if (when === 'after_rollout') await bellows.change((driver) => driver.undo(run.id))
      expect((await bellows.change((driver) => driver.rollback(run.id))).state).toBe('rolled_back')
      expect(await catalog(database), when).toEqual(before)
    }
  },
)

test.for<readonly [string, Operation, string]>([
  ['an exclusion', EXCLUSION, 'exclude using btree (price with =)'],
  [
    'an exclusion that is deferred',
    EXCLUSION,
    'exclude using btree (code with =) deferrable initially deferred',
  ],
  ['an exclusion of some rows', EXCLUSION, 'exclude using btree (code with =) where (price > 0)'],
])(
  '%s of another definition, in the place of the one that the run made, stays',
  async ([, operation, other]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    const early = { ...operation, when: 'before_rollout' } as Operation
    const migration = { name: '0001_test', operations: [REPLACED, early] }
    const run = await bellows.change((driver) => driver.advance(migration, 'verify'))
    await database.query(
      `alter table users drop constraint rule; alter table users add constraint rule ${other}`,
    )
    const theirs = () =>
      database.query(`select pg_get_constraintdef(oid) as is from pg_constraint where conname = 'rule'`)
    const before = await theirs()
    expect((await bellows.change((driver) => driver.rollback(run.id))).state).toBe('rolled_back')
    expect(await theirs()).toEqual(before)
  },
)

test.for<readonly [string, string, string, string, RegExp]>([
  [
    'a constraint',
    'old_name',
    'alter table users add constraint old_name check (id > 0)',
    'alter table users drop constraint old_name',
    /^There is another constraint "old_name" of "users" by now; rename or drop that one first/,
  ],
  [
    'a table',
    'one_code',
    'create table one_code ()',
    'drop table one_code',
    /^There is another "one_code" in "public" by now, and the index of the constraint is to have that name again/,
  ],
])(
  'a constraint does not get its old name back while %s has that, and nothing is half done',
  async ([, from, taken, freed, said]) => {
    const database = await testDatabase(`${GIVEN}; alter table users add constraint one_code unique (code)`)
    const start = await catalog(database)
    const bellows = await database.bellows({ settings: SETTINGS })
    const operations: Operation[] = [
      { kind: 'rename_constraint', ...ON, from, to: 'new_name' },
      { kind: 'rename_column', ...ON, from: 'name', to: 'title' },
    ]
    const migration = { name: '0001_test', operations }
    const run = await bellows.change((driver) => driver.advance(migration, 'retire'))
    await database.query(taken)
    const before = await catalog(database)
    const undo = () => bellows.change((driver) => driver.undo(run.id))
    const rollback = () => bellows.change((driver) => driver.rollback(run.id))
    for (const back of [undo, rollback]) {
      await expect(back()).rejects.toMatchObject({
        code: 'drift_found',
        message: expect.stringMatching(said),
      })
      expect(await catalog(database)).toEqual(before)
    }
    await database.query(freed)
    await undo()
    expect((await rollback()).state).toBe('rolled_back')
    expect(await catalog(database)).toEqual(start)
  },
)

test('a constraint gets its old name back from another one that the migration gave it to', async () => {
  const database = await testDatabase(GIVEN)
  const start = await catalog(database)
  const bellows = await database.bellows({ settings: SETTINGS })
  const operations: Operation[] = [
    RENAMED_RULE,
    { kind: 'add_constraint', ...ON, name: 'old_name', check: 'id > 0' },
    REPLACED,
  ]
  const run = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'retire'))
  expect(await catalog(database)).not.toEqual(start)
  await bellows.change((driver) => driver.undo(run.id))
  expect((await bellows.change((driver) => driver.rollback(run.id))).state).toBe('rolled_back')
  expect(await catalog(database)).toEqual(start)
})
