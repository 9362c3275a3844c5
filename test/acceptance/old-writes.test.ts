import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

const DROP: Operation = { kind: 'drop_column', namespace: 'public', table: 'users', column: 'name' }
const MIGRATION = { name: '0001_test', operations: [rename()] } as const

/** A table with the column users.name as it is stated, whose writes are counted. */
async function counting(
  name = 'text',
  operations: readonly Operation[] = MIGRATION.operations,
): Promise<{ database: TestDatabase; bellows: Bellows; counter: string }> {
  const database = await testDatabase(
    `create table users (id int primary key, name ${name}, age int); insert into users select i, 'user ' || i from generate_series(1, 100) i`,
  )
  const bellows = await database.bellows()
  const run = await bellows.change((driver) => driver.advance({ ...MIGRATION, operations }, 'expand'))
  const gate = run.plan.steps.find((step) => step.kind === 'gate')
  return { database, bellows, counter: gate?.kind === 'gate' ? (gate.counter ?? '') : '' }
}

async function counted(database: TestDatabase, counter: string): Promise<number> {
  const [row] = await database.query<{ n: number }>(
    `select coalesce(pg_sequence_last_value('bellows.${counter}_number'), 0)::int as n`,
  )
  return row?.n ?? -1
}

describe('a statement', () => {
  test.for<[string, string, number]>([
    ['writes the old column of one row', `update users set name = 'x' where id = 1`, 1],
    ['writes the old column of many rows, once', `update users set name = name || 'x'`, 1],
    ['gives the old column to a new row', `insert into users (id, name) values (1000, 'x')`, 1],
    [
      'gives it to many rows',
      `insert into users (id, name) select i, 'x' from generate_series(1000, 1100) i`,
      1,
    ],
    [
      'meets a row that is there',
      `insert into users (id, name) values (1, 'x') on conflict (id) do update set name = excluded.name`,
      1,
    ],
    ['writes back what is there already', `update users set name = name`, 0],
    ['writes the new column', `update users set full_name = 'x' where id = 1`, 0],
    ['gives the new column to a new row', `insert into users (id, full_name) values (1000, 'x')`, 0],
    ['writes both, and they agree', `update users set name = 'x', full_name = 'x' where id = 1`, 0],
    ['writes another column of a row that is not filled yet', `update users set age = 1 where id = 1`, 0],
    ['gives neither to a new row', `insert into users (id) values (1000)`, 0],
    ['deletes', `delete from users where id = 1`, 0],
    [
      'writes back every column, as some do, and changes none',
      `update users set id = id, name = name, full_name = full_name where id = 1`,
      0,
    ],
  ])('that %s', async ([, statement, expected]) => {
    const { database, counter } = await counting()
    await database.query(statement)
    expect(await counted(database, counter)).toBe(expected)
  })

  test('whose new row gets the default of the old column does not write it', async () => {
    const { database, counter } = await counting(`text default 'nobody'`)
    await database.query('insert into users (id) values (1000)')
    expect(await counted(database, counter)).toBe(0)
    await database.query(`insert into users (id, name) values (1001, 'x')`)
    expect(await counted(database, counter)).toBe(1)
  })

  test('of a loader that switches ordinary triggers off is counted, too', async () => {
    const { database, counter } = await counting()
    await database.query(`set session_replication_role = replica`)
    await database.query(`update users set name = 'x' where id = 1`)
    expect(await counted(database, counter)).toBe(1)
  })

  test('is counted for each in one transaction, and once for each in a loop', async () => {
    const { database, counter } = await counting()
    for (const statement of ['begin', `update users set name = 'a'`, `update users set name = 'b'`, 'commit'])
      await database.query(statement)
    expect(await counted(database, counter)).toBe(2)
  })
})

describe('of a column that is dropped, a statement', () => {
  test.for<[string, string, string, number]>([
    ['gives it a value', 'text', `insert into users (id, name) values (1000, 'x')`, 1],
    ['changes it', 'text', `update users set name = 'x' where id < 50`, 1],
    ['takes its value away', 'text', 'update users set name = null where id = 1', 1],
    [
      'writes back what is there, as some do with each column',
      'text',
      'update users set name = name, age = 1',
      1,
    ],
    ['names another column', 'text', 'update users set age = 1', 0],
    ['gives it no value', 'text', 'insert into users (id, name) values (1000, null)', 0],
    ['leaves it out', 'text', 'insert into users (id) values (1000)', 0],
    ['gives it its default', `text default 'x'`, `insert into users (id, name) values (1000, 'x')`, 0],
    ['gives it another value', `text default 'x'`, `insert into users (id, name) values (1000, 'y')`, 1],
    [
      'leaves out what is made anew',
      'text default random()::text',
      'insert into users (id) values (1000)',
      0,
    ],
  ])('that %s: %s', async ([, name, statement, expected]) => {
    const { database, bellows, counter } = await counting(name, [DROP])
    await database.query(statement)
    expect(await counted(database, counter)).toBe(expected)
    await bellows.change((driver) => driver.rollback(1))
    expect(await database.query(`select from pg_trigger where tgrelid = 'users'::regclass`)).toEqual([])
    expect(await database.query(`select from pg_class where relname like 'old_writes%'`)).toEqual([])
  })

  test('that moves a row to another partition does not write it, also on trial', async () => {
    const database = await testDatabase(`create table users (id int, name text) partition by list (id);
      create table users_1 partition of users for values in (1); create table users_2 partition of users default;
      insert into users values (1, 'x')`)
    const bellows = await database.bellows()
    const run = await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [DROP] }, 'expand'),
    )
    const gate = run.plan.steps.find((step) => step.kind === 'gate')
    const counter = gate?.kind === 'gate' ? (gate.counter ?? '') : ''
    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await database.query('update users set id = 2')
    expect(await counted(database, counter)).toBe(0)
    await expect(database.query(`update users set name = 'y'`)).rejects.toMatchObject({ code: '42703' })
    const [report] = await bellows.gates(run)
    expect(report?.checks.find(({ check }) => check === 'usage')).not.toMatchObject({ state: 'unknown' })
  })

  test('keeps the gate closed, with who it was, and fails on trial', async () => {
    const { database, bellows, counter } = await counting('text', [DROP])
    await bellows.instances.register({ instance: 'new-1', uses: ['users.id'], applicationName: 'shop/new-1' })
    const old = await database.session('shop/new-1')
    await old.query(`update users set name = 'x' where id = 1`)
    const quiet = await database.bellows({ settings: { gate: { quietMs: 600_000 } } })
    const contract = quiet.change((driver) =>
      driver.advance({ name: '0001_test', operations: [DROP] }, 'purge'),
    )
    await expect(contract).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('"shop/new-1" wrote it through the old shape'),
    })
    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await expect(old.query(`update users set name = 'y' where id = 1`)).rejects.toMatchObject({
      code: '42703',
    })
    await old.query('update users set age = 1 where id = 1')
    expect(await counted(database, counter)).toBe(2)
  })
})

describe('who wrote', () => {
  test('is kept once a minute, however many sessions there are, with what tells it apart', async () => {
    const { database, counter } = await counting()
    for (let at = 0; at < 5; at += 1) {
      const session = await database.session('shop/old-1')
      await session.query(`update users set name = 'x${at}' where id = 1`)
    }

    const rows = await database.query<{ minutes: string; rows: string }>(
      `select count(distinct date_trunc('minute', at)) as minutes, count(*) as rows from bellows.${counter} where application = 'shop/old-1' and role = session_user and pid > 0`,
    )
    expect(rows[0]?.rows).toBe(rows[0]?.minutes)
    expect(await counted(database, counter)).toBe(5)
  })

  test('is told anew by whoever else gets the session, as behind a pooler', async () => {
    const { database, counter } = await counting()
    const session = await database.session('shop/old-1')
    await session.query(`update users set name = 'a' where id = 1`)
    await session.query(`set application_name = 'shop/old-2'`)
    await session.query(`update users set name = 'b' where id = 1`)

    expect(await database.query(`select distinct application from bellows.${counter} order by 1`)).toEqual([
      { application: 'shop/old-1' },
      { application: 'shop/old-2' },
    ])
  })

  test('is told anew after a transaction that was taken back', async () => {
    const { database, counter } = await counting()
    const session = await database.session('shop/old-1')
    await session.query(`begin; update users set name = 'a' where id = 1; rollback`)
    expect(await database.query(`select from bellows.${counter}`)).toHaveLength(0)
    expect(await counted(database, counter)).toBe(1)
    await session.query(`update users set name = 'b' where id = 1`)
    expect(await database.query(`select from bellows.${counter}`)).toHaveLength(1)
  })

  test('is nothing by which serializable transactions get into the way of each other', async () => {
    const { database, counter } = await counting()
    const sessions = await Promise.all([1, 2, 3].map((at) => database.session(`shop/old-${at}`)))
    for (const [at, session] of sessions.entries())
      await session.query(
        `begin isolation level serializable; insert into users (id, name) values (${1000 + at}, 'x')`,
      )
    for (const session of sessions) await session.query('commit')
    expect(await counted(database, counter)).toBe(3)
  })

  test('is the role that logged in, whatever it has become', async () => {
    const { database, counter } = await counting()
    const role = await writerRole(database)
    const session = await database.session('shop/old-1')
    await session.query(`set role ${role}; update users set name = 'a' where id = 1`)
    expect(await database.query(`select role from bellows.${counter}`)).toEqual([{ role: 'postgres' }])
  })
})

describe('counting', () => {
  const WRITERS = 50

  test('makes none of many long transactions wait, and none fail, with no right but on the table', async () => {
    const { database, counter } = await counting()
    const role = await writerRole(database)
    await database.query('revoke usage on schema bellows from public')
    const sessions = await Promise.all(
      Array.from({ length: WRITERS }, (_, at) => database.session(`shop/old-${at}`, role)),
    )
    // Whoever had to wait for another one would do so for good: all stay open.
    for (const [at, session] of sessions.entries()) {
      await session.query(`set lock_timeout = '10s'; begin`)
      await session.query('update users set name = $1 where id = $2', [`new ${at}`, at + 1])
      await session.query('insert into users (id, name) values ($1, $2)', [1000 + at, `added ${at}`])
    }
    expect(
      await database.query(
        `select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()`,
      ),
    ).toEqual([])
    await Promise.all(sessions.map((session) => session.query('commit')))

    expect(await counted(database, counter)).toBe(2 * WRITERS)
    expect(await database.query(`select distinct application from bellows.${counter}`)).toHaveLength(WRITERS)
    expect(
      await database.query(
        `select count(*) as n from users where full_name is not distinct from name and full_name ~ 'new|added'`,
      ),
    ).toEqual([{ n: String(2 * WRITERS) }])
  })

  test('gives nobody a way to count, to read or to change what was counted', async () => {
    const { database, counter } = await counting()
    const session = await database.session('shop/old-1', await writerRole(database))
    for (const attempt of [
      `select from bellows.${counter}`,
      `insert into bellows.${counter} default values`,
      `select nextval('bellows.${counter}_number')`,
      `select bellows.${counter}()`,
    ])
      await expect(session.query(attempt), attempt).rejects.toMatchObject({ code: '42501' })
  })

  test('is not misled by a search_path, or by functions of the writer', async () => {
    const { database, counter } = await counting()
    await database.query(`create schema hostile;
      create function hostile.nextval(regclass) returns bigint language sql as 'select 1/0::bigint';
      create function hostile.concat_ws(text, variadic "any") returns text language internal as 'text_concat_ws' immutable;
      create table hostile.${counter} (x int)`)
    const session = await database.session('shop/old-1')
    await session.query(`set search_path = hostile, pg_catalog, public`)
    await session.query(`update public.users set name = 'x' where id = 1`)
    expect(await counted(database, counter)).toBe(1)
  })

  test('counts neither the backfill nor the comparison', async () => {
    const { database, bellows, counter } = await counting()
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    expect(await counted(database, counter)).toBe(0)
  })

  test.for(['rollback', 'contract'] as const)('leaves nothing behind after a %s', async (end) => {
    const { database, bellows } = await counting()
    await database.query(`update users set name = 'x' where id = 1`)
    const patient = await database.bellows({
      settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0 } },
    })
    if (end === 'rollback') await bellows.change((driver) => driver.rollback(1))
    else await patient.change((driver) => driver.advance(MIGRATION, 'purge'))

    expect(
      await database.query(
        `select relname as name from pg_class where relnamespace = 'bellows'::regnamespace and relname like 'old_writes%'
           union all select proname from pg_proc where pronamespace = 'bellows'::regnamespace and proname like 'old_writes%'
           union all select tgname from pg_trigger where tgrelid = 'users'::regclass and tgname like '%bellows%'`,
      ),
    ).toEqual([])
  })
})

/** A role that may write the table and nothing else. */
async function writerRole(database: TestDatabase): Promise<string> {
  const role = `writer_${database.name.slice(5, 25)}`
  await database.query(`create role ${role} login; grant select, insert, update on users to ${role}`)
  cleanUp(async () => {
    await database.query(`drop owned by ${role}; drop role ${role}`)
  })
  return role
}
