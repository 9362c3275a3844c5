import { describe, expect, test } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { aRole } from '../support/role.ts'
import { answerOf } from './begun.ts'
import { moving } from './moving.ts'

const FILL = {
  name: '0001_test',
  operations: [
    {
      kind: 'add_column',
      namespace: 'public',
      table: 'events',
      column: 'code',
      type: 'text',
      nullable: true,
      up: 'public.coded(id)',
    },
  ],
} as const

/** A column that is filled by what only the owner may call. */
async function filling(role?: (database: TestDatabase) => Promise<string>) {
  const database = await testDatabase(`
    create table events (id integer not null) partition by range (id); create table events_1 partition of events for values from (0) to (100);
    insert into events values (1); create function public.coded(n integer) returns text language sql immutable as $$ select 'code ' || n $$;
    revoke execute on function public.coded from public;`)
  const owner = await role?.(database)
  if (owner !== undefined)
    await database.query(`alter table events owner to ${owner}; grant create on schema public to ${owner}`)
  const bellows = await database.bellows()
  await bellows.change((driver) => driver.advance(FILL, 'expand'))
  return { database, owner }
}

const RENAME = {
  name: '0001_test',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'events', from: 'name', to: 'title' }],
} as const

/** A column of a partitioned table whose writes are counted. */
async function counting(role?: (database: TestDatabase) => Promise<string>) {
  const database = await testDatabase(`
    create table events (id integer not null, name text) partition by range (id); create table events_1 partition of events for values from (0) to (100);`)
  const owner = await role?.(database)
  if (owner !== undefined)
    await database.query(`alter table events owner to ${owner}; grant create on schema public to ${owner}`)
  const bellows = await database.bellows()
  const run = await bellows.change((driver) => driver.advance(RENAME, 'verify'))
  const gate = run.plan.steps.find((step) => step.kind === 'gate')
  return { database, owner, counter: gate?.kind === 'gate' ? (gate.counter ?? '') : '' }
}

/** Has each function of Bellows that runs as its owner do what the types of a table say that a role without rights has made. */
async function baits(database: TestDatabase): Promise<readonly string[]> {
  const role = await aRole(database)
  const stranger = await database.session('stranger', role)
  const functions = await database.query<{ name: string }>(
    `select oid::regproc::text as name from pg_proc where prosecdef and pronamespace = 'bellows'::regnamespace and prorettype = 'trigger'::regtype`,
  )
  expect(functions).not.toEqual([])
  await stranger.query(`
    create function pg_temp.mine(text) returns boolean language plpgsql as $$ begin raise 'ran as %', current_user; end $$;
    create domain pg_temp.trap as text check (pg_temp.mine(value));
    create temp table bait (id integer, user_id integer, bio pg_temp.trap, code pg_temp.trap)`)
  const made: string[] = []
  for (const { name } of functions)
    made.push(
      await answerOf(
        stranger.query(
          `create trigger of_${made.length} before insert or update on bait for each row execute function ${name}()`,
        ),
      ),
    )
  return made
}

describe('a function that runs with the rights of its owner', () => {
  test.for([
    ['of a column that moves', async () => (await moving('verify')).database],
    ['of a column that is filled', async () => (await filling()).database],
    ['that counts writes through the old shape', async () => (await counting()).database],
  ] as const)('%s can be put on no other table', async ([, made]) => {
    const answers = await baits(await made())
    expect([...new Set(answers)]).toEqual(['42501'])
  })

  test('fires for those who have no right to call it', async () => {
    const { database, both } = await moving('verify')
    const role = await aRole(database)
    await database.query(`grant select, update on users to ${role}`)
    const writer = await database.session('writer', role)
    await writer.query(`update users set bio = 'new' where id = 1`)
    expect(await both()).toContain('1: new / new')
  })

  test('is handed on to a partition that the owner of the table makes', async () => {
    const { database, owner } = await filling(aRole)
    const session = await database.session('owner', owner)
    await session.query('create table events_2 partition of events for values from (100) to (200)')
    await session.query('insert into events values (100)')
    const rows = await database.query('select id, code from events where id = 100')
    expect(rows).toEqual([{ id: 100, code: 'code 100' }])
  })

  test('counts in a partition that the owner of the table makes, and for whoever may write there', async () => {
    const { database, owner, counter } = await counting(aRole)
    const session = await database.session('owner', owner)
    await session.query('create table events_2 partition of events for values from (100) to (200)')
    const role = await aRole(database)
    await database.query(`grant insert on events to ${role}`)
    const writer = await database.session('writer', role)
    await writer.query(`insert into events values (100, 'a')`)
    expect(await database.query(`select role from bellows.${counter}`)).toEqual([{ role }])
  })

  test('counts by what is in pg_catalog, whatever else a writer has in front of it', async () => {
    const { database, counter } = await counting()
    const role = await aRole(database)
    await database.query(
      `create schema trap authorization ${role}; grant select, insert, update on events to ${role}`,
    )
    const writer = await database.session('writer', role)
    for (const made of [...TRAPS, `set search_path = trap, pg_catalog, public`]) await writer.query(made)
    // The trap is one.
    await expect(writer.query(`select nextval('x'::text)`)).rejects.toThrow('in the trap')
    await expect(writer.query(`select 'a'::text = 'b'::text`)).rejects.toThrow('in the trap')
    await writer.query(`insert into events values (1, 'a')`)
    await writer.query(`update events set name = 'c'`)
    expect(await database.query(`select role from bellows.${counter}`)).toEqual([{ role }])
    expect(await database.query('select id, name, title from events')).toEqual([
      { id: 1, name: 'c', title: 'c' },
    ])
  })
})

/** What a function of the owner calls, under the same names, of a role that would like to be called by it. */
const TRAPS = [
  `create function trap.sprung() returns void language plpgsql as $$ begin raise 'in the trap as %', current_user; end $$`,
  ...['text', 'timestamptz'].flatMap((type) => [
    `create function trap.compared(a ${type}, b ${type}) returns boolean language plpgsql as $$ begin perform trap.sprung(); end $$`,
    ...['=', '<>', '>'].map(
      (operator) =>
        `create operator trap.${operator} (function = trap.compared, leftarg = ${type}, rightarg = ${type})`,
    ),
  ]),
  ...[
    'nextval(text) returns bigint',
    'nextval(regclass) returns bigint',
    'set_config(text, text, boolean) returns text',
    'current_setting(text, boolean) returns text',
    'current_setting(text) returns text',
    'statement_timestamp() returns timestamptz',
    'clock_timestamp() returns timestamptz',
    'date_trunc(text, timestamptz) returns timestamptz',
    'concat_ws(text, text, text, text) returns text',
  ].map((head) => `create function trap.${head} language plpgsql as $$ begin perform trap.sprung(); end $$`),
  'create type trap.int8 as (n integer)',
]
