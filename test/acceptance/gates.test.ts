import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'
import { goneWithout } from '../support/gone-without.ts'

const SHOP = `create table users (id bigint primary key, email text default 'x', constraint users_email unique (email));
  create index users_by_email on users (email);
  create table old_users (id bigint);
  create view loud as select upper(email) as email from users;
  create function area(a int) returns int language sql as 'select a * a';
  create type mood as enum ('sad');
  create policy own on users using (true);
  grant select on users to pg_monitor;
  create domain mail as text;
  create table teams (id bigint primary key); alter table users add team bigint constraint in_team references teams on delete cascade;
  create table log (id int) partition by range (id);
  create table log_1 partition of log for values from (0) to (10);`

const on = { namespace: 'public', table: 'users' } as const
const object = (name: string): Operation => ({ kind: 'drop_object', namespace: 'public', object: name })

const constraint = (name: string) => `not exists (select from pg_constraint where conname = '${name}')`

/** Each takes something away that no instance declares, be it what a rule refuses; or by statements what one does. */
const CASES: readonly (readonly [string, Operation, string])[] = [
  [
    'the index public.users_by_email',
    { kind: 'drop_index', ...on, index: 'users_by_email' },
    `to_regclass('users_by_email') is not null`,
  ],
  [
    'the constraint users_email of public.users',
    { kind: 'drop_constraint', ...on, name: 'users_email' },
    `to_regclass('users_email') is not null`,
  ],
  [
    'the constraint in_team of public.users',
    { kind: 'drop_constraint', ...on, name: 'in_team' },
    constraint('in_team').replace('not ', ''),
  ],
  [
    'the name of the constraint users_email of public.users',
    { kind: 'rename_constraint', ...on, from: 'users_email', to: 'one_email' },
    `to_regclass('users_email') is not null`,
  ],
  [
    'the default of public.users.email',
    { kind: 'alter_column', ...on, column: 'email', default: null },
    `exists (select from pg_attrdef where adrelid = 'users'::regclass)`,
  ],
  ['the view public.loud', object('view loud'), `to_regclass('loud') is not null`],
  ['the function public.area(int)', object('function area(int)'), `to_regprocedure('area(int)') is not null`],
  ['the type public.mood', object('type mood'), `to_regtype('mood') is not null`],
  ['the policy own on public.users', object('policy own on users'), `exists (select from pg_policy)`],
  [
    'what the check named of public.users refuses',
    { kind: 'add_constraint', ...on, name: 'named', check: "email <> ''" },
    constraint('named'),
  ],
  [
    'what the unique constraint one of public.users refuses',
    { kind: 'add_constraint', ...on, name: 'one', unique: ['email', 'id'] },
    constraint('one'),
  ],
  [
    'what NOT NULL of email of public.users refuses',
    { kind: 'alter_column', ...on, column: 'email', nullable: false },
    `not (select attnotnull from pg_attribute where attrelid = 'users'::regclass and attname = 'email')`,
  ],
  [
    'what the check at of the domain public.mail refuses',
    {
      kind: 'alter_domain',
      namespace: 'public',
      domain: 'mail',
      check: { name: 'at', constraint: "value like '%@%'" },
    },
    constraint('at'),
  ],
  [
    'select on table public.users of pg_monitor',
    { kind: 'revoke', namespace: 'public', on: 'users', privileges: ['select'], from: ['pg_monitor'] },
    `has_table_privilege('pg_monitor', 'users', 'select')`,
  ],
  [
    'the rows of public.log_1 in public.log',
    { kind: 'detach_partition', namespace: 'public', table: 'log', partition: 'log_1' },
    `exists (select from pg_inherits)`,
  ],
  [
    'what "drop type mood" takes away',
    { kind: 'sql', namespace: 'public', up: 'drop type mood', phase: 'contract' },
    `to_regtype('mood') is not null`,
  ],
  [
    '"old_users"',
    { kind: 'sql', namespace: 'public', up: 'drop table old_users', phase: 'contract', unsafe: 'a test' },
    `to_regclass('old_users') is not null`,
  ],
]

const gate = { unregistered: 'allow', quietMs: 0 } as const
// What an instance declares needs no word of a version.
const settings = ({ kind, ...op }: Operation): SettingsChange => ({
  gate: { ...gate, ...(kind === 'sql' && 'unsafe' in op ? {} : { version: 'v2' }) },
})
const OLD = { instance: 'old-1', version: 'v1', uses: ['users.*', 'old_users.*', 'log.*', 'teams.*'] }
const NEW = { instance: 'new-1', version: 'v2', uses: ['users.*'] }

describe('what no instance declares', () => {
  test.for(CASES)(
    '%s goes when the old version is gone, and not before',
    async ([called, operation, there]) => {
      const database = await testDatabase(SHOP)
      const bellows = await database.bellows({ settings: settings(operation) })
      const migration = { name: '0001_test', operations: [operation] }
      await bellows.instances.register(OLD)
      await bellows.instances.register(NEW)

      await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
        code: 'instances_blocking',
        message: expect.stringContaining(called),
        facts: { blocking_instances: ['old-1'] },
      })
      expect(await database.query(`select ${there} as there`)).toEqual([{ there: true }])
      const run = await bellows.run(migration.name)
      if (run === undefined) throw new Error('there is a run')
      const [first] = await bellows.gates(run)
      expect(first).toMatchObject({ usage: 'active', open: false })

      await bellows.instances.release('old-1')
      await bellows.instances.renew('new-1')
      expect(await bellows.change((driver) => driver.advance(migration, 'purge'))).toMatchObject({
        state: 'completed',
      })
      expect(await database.query(`select ${there} as there`)).toEqual([{ there: false }])
      expect(await database.query('select * from bellows.column_state')).toEqual([])
    },
  )
})

describe('an index', () => {
  const operation: Operation = { kind: 'drop_index', ...on, index: 'users_by_email' }
  const migration = { name: '0001_test', operations: [operation] }

  test('that somebody reads by goes only for a reason, which stays on record', async () => {
    const database = await testDatabase(SHOP)
    const watching: SettingsChange = { gate: { unregistered: 'allow', quietMs: 60_000, version: 'v2' } }
    const bellows = await database.bellows({ settings: watching })
    await bellows.instances.register(NEW)
    await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
      message: expect.stringContaining('the index public.users_by_email is quiet for'),
    })
    await database.query('set enable_seqscan = off; select from users where email = $$x$$')
    const run = await bellows.run(migration.name)
    if (run === undefined) throw new Error('there is a run')
    await expect
      .poll(
        async () => {
          // Before PostgreSQL 15 a session may tell of what it did only with what it does next.
          await database.query('select 1')
          return JSON.stringify(await bellows.gates(run))
        },
        { timeout: 20_000 },
      )
      .toMatch(/reads of the index/)

    const overrides = [{ check: 'usage', reason: 'by the planner alone' }] as const
    const sure = await database.bellows({ settings: { gate: { ...watching.gate, overrides } } })
    expect(await sure.change((driver) => driver.advance(migration, 'purge'))).toMatchObject({
      state: 'completed',
    })
    expect(await goneWithout(sure)).toMatchObject([
      { check: 'usage', column: { table: 'users', thing: 'the index public.users_by_email' } },
    ])
  })

  test('stays while nobody has said which version does without it', async () => {
    const database = await testDatabase(SHOP)
    const bellows = await database.bellows({ settings: { gate } })
    await bellows.instances.register(NEW)
    await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('nobody has said which version of the application is to stay'),
    })
  })
})

describe('a rollback of sql', () => {
  test.for([
    ['create table orders (id int)', 'drop table orders', 'orders.id'],
    ['alter table old_users add column age int', 'alter table old_users drop column age', 'old_users.age'],
  ] as const)('does not take back what an instance uses: %s', async ([up, down, use]) => {
    const database = await testDatabase(SHOP)
    const bellows = await database.bellows({})
    const operation: Operation = { kind: 'sql', namespace: 'public', up, down, phase: 'expand' }
    // Or the run would be over with the expand.
    const drop: Operation = { kind: 'drop_index', ...on, index: 'users_by_email' }
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [operation, drop] }, 'expand'),
    )
    await bellows.instances.register({ instance: 'new-1', uses: [use] })
    await expect(bellows.change((driver) => driver.rollback(run.id))).rejects.toMatchObject({
      code: 'instances_blocking',
    })
    await bellows.instances.release('new-1')
    expect(await bellows.change((driver) => driver.rollback(run.id))).toMatchObject({ state: 'rolled_back' })
  })
})
