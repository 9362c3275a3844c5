import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { RenameTable } from '../../src/core/operations/rename-table.ts'
import { catalog } from '../support/catalog.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { liveThrough } from '../support/lifecycle.ts'
import { aRole } from '../support/role.ts'

const rename = (table: string, to: string): RenameTable => ({
  kind: 'rename_table',
  namespace: 'public',
  table,
  to,
})
const MIGRATION = { name: '0001_test', operations: [rename('users', 'people')] }
const OPEN = { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } as const
const SETTINGS: SettingsChange = { graceMs: 3_600_000, gate: OPEN }

const GIVEN = `create table teams (id int primary key);
  insert into teams select generate_series(0, 9);
  create table users (id bigint generated always as identity primary key, number serial, name text constraint one_name unique, team int references teams,
    boss bigint references users, shout text generated always as (upper(name)) stored, at timestamptz default now());
  create table notes (id int primary key, of_user bigint references users);
  create index on users (team); comment on table users is 'them';
  create function tell() returns trigger language plpgsql as 'begin new.team := coalesce(new.team, 1); return new; end';
  create trigger tell before insert on users for each row execute function tell();
  create view names as select name from users;
  insert into users (name) select 'user ' || i from generate_series(1, 200) i;`

/** What goes through no view is in it as well: under the old name nothing changes until the contract. */
const statements = (table: string) => [
  `insert into ${table} (name) values ('${table} ' || $1) returning id`,
  `update ${table} set team = 2 where id = 1 + $1 % 200`,
  `insert into ${table} (name) values ('user 1') on conflict (name) do update set team = 3`,
  `select * from ${table} where id = 1 + $1 % 200 for update`,
  `delete from ${table} where id = 100000 + $1`,
  `select t.id from teams t join ${table} u on u.team = t.id where u.id = $1`,
  `insert into notes values (($1::int * 2) + ${table === 'users' ? 0 : 1}, 1 + $1 % 200)`,
]
const old = {
  name: 'old',
  statements: [
    ...statements('users'),
    `insert into users (name) values ('user 2') on conflict on constraint one_name do nothing`,
    `select ctid from users where id = $1`,
    `select id, name from users group by id limit 1`,
  ],
}

describe('rename_table', () => {
  test('lets both names be used until the contract, and then the new one', async () => {
    await liveThrough({
      given: GIVEN,
      operations: [rename('users', 'people')],
      direct: `${GIVEN} alter table users rename to people`,
      old: [old],
      renewed: [{ name: 'new', statements: statements('people') }],
    })
  })

  test('takes names that must be quoted, and columns that do', async () => {
    const given = `create table "Order" ("The Id" int primary key, "select" text, "group" int); ${GIVEN}`
    await liveThrough({
      given,
      operations: [rename('Order', 'user "Orders"')],
      direct: `${given} alter table "Order" rename to "user ""Orders"""`,
      old: [{ name: 'old', statements: [`insert into "Order" values ($1, 'a', 1)`] }],
      renewed: [
        { name: 'new', statements: [`update "user ""Orders""" set "select" = 'b' where "The Id" = $1`] },
      ],
    })
  })

  test('fails no statement at the moment in which the table takes the place of the view, nor back, be it prepared', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    let isRunning = true
    let done = 0
    let number = 0
    const errors: string[] = []
    const client = async (send: (session: pg.Client, text: string, at: number) => Promise<unknown>) => {
      const session = await database.session('new')
      return async () => {
        for (let at = 0; isRunning; at = (at + 1) % TEXTS.length) {
          await send(session, TEXTS[at] ?? '', at).catch((error: unknown) =>
            errors.push(`${TEXTS[at]}: ${String(error)}`),
          )
          done += 1
        }
      }
    }
    const TEXTS = statements('people')
    const values = (text: string) => {
      number += 1
      return text.includes('$1') ? [number] : []
    }
    const named = (session: pg.Client, text: string, at: number) =>
      session.query({ name: `s${at}`, text, values: values(text) })
    const clients = await Promise.all([
      client(named),
      client(named),
      client((session, text) => session.query(text, values(text))),
      client((session, text) => session.query(text.replaceAll('$1', String(values('$1')[0])))),
      client(async (session, text, at) => {
        await session.query('begin')
        await named(session, text, at)
        await session.query(`select name from people where id = 1`)
        await session.query('commit')
      }),
    ])
    const loops = clients.map((run) => run())
    const working = async () => {
      const until = done + 60
      await expect.poll(() => done, { timeout: 20_000 }).toBeGreaterThan(until)
    }
    for (let round = 0; round < 4; round += 1) {
      await working()
      await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
        code: 'gate_closed',
      })
      expect(await database.query(`select relkind from pg_class where oid = 'people'::regclass`)).toEqual([
        { relkind: 'r' },
      ])
      await working()
      await bellows.change((driver) => driver.undo(1))
    }
    isRunning = false
    await Promise.all(loops)
    expect(errors).toEqual([])
  }, 120_000)

  test('is not taken back while an instance uses the new name, nor contracted while one uses the old one', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: { gate: OPEN } })
    const start = await catalog(database)
    const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await bellows.instances.register({ instance: 'new-1', uses: ['people.name'] })
    await bellows.instances.register({ instance: 'old-1', uses: ['users.*'] })
    await expect(bellows.change((driver) => driver.rollback(id))).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('The table people is needed by new-1'),
    })
    await bellows.instances.release('new-1')
    await bellows.change((driver) => driver.rollback(id))
    expect(await catalog(database)).toEqual(start)

    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await expect(contract()).rejects.toMatchObject({ code: 'instances_blocking' })
    await bellows.instances.release('old-1')
    expect((await contract()).state).toBe('completed')
  })

  test('waits until no function says the old name, and names what follows by itself', async () => {
    const database = await testDatabase(
      GIVEN,
      `create function f() returns bigint language sql as 'select count(*) from users'`,
    )
    const bellows = await database.bellows({ settings: { gate: OPEN } })
    const plan = await bellows.plan(MIGRATION)
    const said = plan.steps.flatMap(({ hazards }) =>
      hazards.map(({ code, because }) => `${code}: ${because}`),
    )
    expect(said).toEqual(
      expect.arrayContaining([
        'blocks_contract: The function public.f() says "users". Change it to "people" before the contract.',
        'follows_rename: The view public.names follows "users" to "people" without a word.',
        'follows_rename: The foreign key notes_of_user_fkey on public.notes follows "users" to "people" without a word.',
      ]),
    )
    const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await expect(contract()).rejects.toMatchObject({
      code: 'dependents_found',
      facts: { dependents: ['function public.f()'] },
    })
    await database.query(
      `create or replace function f() returns bigint language sql as 'select count(*) from people'`,
    )
    expect((await contract()).state).toBe('completed')
    expect(await database.query('select f() > 0 as works from names limit 1')).toEqual([{ works: true }])
  })

  test('gives everybody the rights on the view that they have on the table, and loses none that came later', async () => {
    const database = await testDatabase(GIVEN)
    const [reader, writer] = [await aRole(database), await aRole(database)]
    await database.query(`grant select (name) on users to ${reader}; grant select, insert on users to ${writer} with grant option;
      grant usage on all sequences in schema public to ${writer}`)
    const bellows = await database.bellows({ settings: { gate: OPEN } })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    const [read, write] = [await database.session('app', reader), await database.session('app', writer)]
    await read.query('select name from people')
    await expect(read.query('select id from people')).rejects.toThrow('permission denied')
    await write.query(`insert into people (name) values ('new')`)
    await expect(write.query('delete from people')).rejects.toThrow('permission denied')

    await database.query(`grant delete on people to ${reader}`)
    const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await expect(contract()).rejects.toMatchObject({
      code: 'drift_found',
      message: expect.stringContaining('ights were given on "people"'),
    })
    await database.query(`grant delete on users to ${reader}; grant update (team) on people to ${reader}`)
    await expect(contract()).rejects.toMatchObject({ code: 'drift_found' })
    await database.query(`grant update (team) on users to ${reader}`)
    expect((await contract()).state).toBe('completed')
  })

  test('keeps to row security under both names, or is refused', async () => {
    const database = await testDatabase(GIVEN)
    const role = await aRole(database)
    await database.query(`grant select on users to ${role}; alter table users enable row level security;
      create policy few on users using (id <= 3)`)
    const bellows = await database.bellows({ settings: { gate: OPEN } })
    const [server] = await database.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    )
    const begin = () => bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    if ((server?.version ?? 0) < 150_000) {
      await expect(begin()).rejects.toThrow(
        '"users" has row security, and before PostgreSQL 15 a view goes round it.',
      )
      return
    }
    await begin()
    const session = await database.session('app', role)
    for (const name of ['users', 'people'])
      expect((await session.query(`select id from ${name}`)).rows).toHaveLength(3)
    await bellows.change((driver) => driver.rollback(1))
    await database.query(`grant update (name) on users to ${role}`)
    await expect(bellows.plan(MIGRATION)).rejects.toThrow('some roles have rights on single columns')
  })

  test('drops no view on which something was built', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: { gate: OPEN } })
    const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await database.query('create view loud as select upper(name) from people')
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: 'dependents_found',
    })
    await expect(bellows.change((driver) => driver.rollback(id))).rejects.toMatchObject({
      code: 'dependents_found',
    })
  })

  test('leaves a relation alone that somebody else has made under the new name since the plan', async () => {
    const database = await testDatabase(GIVEN)
    const before = async ({ kind, what }: { kind: string; what: string }) => {
      if (kind === 'transact' && what.includes('/expand/1'))
        await database.query('create view people as select 1 as theirs')
    }
    const { bellows } = faultyBellows(database.url, { before }, {})
    cleanUp(() => bellows.close())
    const begin = () => bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    await expect(begin()).rejects.toThrow(/"people" already exists/)
    await expect(begin()).rejects.toMatchObject({ code: 'drift_found' })
    await bellows.change((driver) => driver.rollback(1))
    expect(await database.query('select theirs from people')).toEqual([{ theirs: 1 }])
  })
})
