import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { bellowsWaits } from '../../faults/begun.ts'
import { testDatabase } from '../../support/database.ts'
import { matrixMajor } from '../../support/matrix.ts'

const SHOP = `
create schema app; grant usage on schema app to pg_monitor;
create table users (id int primary key, name text, age int); create table app.orders (id int primary key);
create statistics by_name (dependencies) on name, age from users; create statistics app.by_age (ndistinct) on id, age from users;
create extension btree_gist schema app;
create function heard() returns event_trigger language plpgsql as 'begin end';
create event trigger hears on ddl_command_end when tag in ('DROP TABLE', 'CREATE TABLE') execute function heard();
create publication changes for table users with (publish = 'insert, update');
create aggregate total (int) (sfunc = int4pl, stype = int, initcond = '0');
alter default privileges in schema app grant select on tables to pg_monitor;
alter default privileges revoke execute on functions from public`

/** A shop with its schema on record, and what differs of it. */
async function recorded() {
  const database = await testDatabase(SHOP)
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } },
  })
  await bellows.change((driver) => driver.setBaseline({}))
  const drift = async () =>
    (await bellows.drift()).differences.map((one) => [
      `${one.kind} ${one.relation} ${one.name}`.trim(),
      one.recorded,
      one.found,
    ])
  expect(await drift()).toEqual([])
  return { database, bellows, drift }
}

const OWNER = 'owner postgres, USAGE to pg_monitor'
const HEARS = `on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function public.heard`
const TOTAL = `integer by int4pl(integer,integer) over integer from '0'`

const HANDS: readonly (readonly [string, string, unknown, unknown])[] = [
  [
    'drop statistics by_name',
    'statistics users by_name',
    'CREATE STATISTICS public.by_name (dependencies) ON name, age FROM public.users',
    null,
  ],
  [
    'alter statistics app.by_age set statistics 300',
    'statistics users app.by_age',
    'CREATE STATISTICS app.by_age (ndistinct) ON id, age FROM public.users',
    'CREATE STATISTICS app.by_age (ndistinct) ON id, age FROM public.users target 300',
  ],
  ['revoke usage on schema app from pg_monitor', 'namespace app', OWNER, 'owner postgres'],
  ['create schema more', 'namespace more', null, 'owner postgres'],
  ['alter schema app owner to pg_monitor', 'namespace app', OWNER, 'owner pg_monitor'],
  ['drop extension btree_gist', 'extension btree_gist', 'in app', null],
  ['alter extension btree_gist set schema public', 'extension btree_gist', 'in app', 'in public'],
  ['alter event trigger hears disable', 'event trigger hears', HEARS, `${HEARS} (disabled)`],
  ['drop event trigger hears', 'event trigger hears', HEARS, null],
  [
    `alter publication changes set (publish = 'insert, update, delete', publish_via_partition_root)`,
    'publication changes',
    'insert, update',
    'insert, update, delete, via partition root',
  ],
  ['drop publication changes', 'publication changes', 'insert, update', null],
  [
    'create publication all_of_it for all tables',
    'publication all_of_it',
    null,
    'for all tables, insert, update, delete, truncate',
  ],
  ['drop aggregate total (int)', 'aggregate total integer', TOTAL, null],
  [
    `create or replace aggregate total (int) (sfunc = int4pl, stype = int, initcond = '1')`,
    'aggregate total integer',
    TOTAL,
    TOTAL.replace("'0'", "'1'"),
  ],
  [
    'alter default privileges in schema app revoke select on tables from pg_monitor',
    'rights by default postgres tables',
    'SELECT to pg_monitor',
    null,
  ],
  [
    'alter default privileges grant execute on functions to public',
    'rights by default postgres functions',
    'none',
    null,
  ],
]

const SINCE_15: typeof HANDS = [
  [
    'create publication of_app for tables in schema app',
    'publication of_app',
    null,
    'for tables in schema app, insert, update, delete, truncate',
  ],
]

describe('what belongs to no table', () => {
  test.each([...HANDS, ...(Number(matrixMajor()) >= 15 ? SINCE_15 : [])])(
    'is told where it was changed by hand: %s',
    async (statement, place, before, after) => {
      const { database, drift } = await recorded()
      await database.query(statement)
      expect(await drift()).toEqual([[place, before, after]])
    },
  )

  test('is no drift where a migration has made it', async () => {
    const { bellows, drift } = await recorded()
    const operation: Operation = {
      kind: 'sql',
      up: `create statistics more_of on id, name from public.users; create publication more_news for table public.users;
        grant usage on schema app to pg_read_all_data; alter default privileges in schema app revoke select on tables from pg_monitor;
        alter default privileges revoke usage on types from public; create aggregate largest (int) (sfunc = int4larger, stype = int)`,
      down: `drop aggregate largest (int); alter default privileges grant usage on types to public; alter default privileges in schema app grant select on tables to pg_monitor;
        revoke usage on schema app from pg_read_all_data; drop publication more_news; drop statistics more_of`,
      probe: `exists (select from pg_catalog.pg_publication where pubname = 'more_news')`,
      namespace: 'public',
      phase: 'expand',
      unsafe: 'a test',
    }
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [operation] }, 'purge'),
    )
    expect(run.state).toBe('completed')
    expect(await drift()).toEqual([])
  })

  test('is drift where somebody changes a namespace while a migration of a table in it is under way', async () => {
    const { database, bellows, drift } = await recorded()
    const migration = (name: string) => ({
      name,
      operations: [
        { kind: 'alter_column', namespace: 'public', table: 'users', column: 'name', default: "'none'" },
      ] satisfies Operation[],
    })
    const session = await database.session()
    await session.query('begin; lock users in access share mode')
    const run = bellows.change((driver) => driver.advance(migration('0001_test'), 'purge'))
    await bellowsWaits(database)
    await database.query(`grant create on schema public to pg_monitor;
      alter default privileges in schema public grant select on tables to pg_monitor`)
    await session.query('commit')
    expect((await run).state).toBe('completed')
    expect((await drift()).map(([what]) => what)).toEqual([
      'rights by default postgres tables',
      'namespace public',
    ])
  })

  test('with its statistics goes with the record of a table that has another name', async () => {
    const { bellows, drift } = await recorded()
    const operation: Operation = {
      kind: 'rename_table',
      namespace: 'public',
      table: 'users',
      to: 'people',
    }
    await bellows.change((driver) => driver.advance({ name: '0001_test', operations: [operation] }, 'purge'))
    expect(await drift()).toEqual([])
  })
})
