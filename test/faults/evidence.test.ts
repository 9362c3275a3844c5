import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'
import { aRole } from '../support/role.ts'

const GIVEN = `create table users (id int primary key, name text not null);
  insert into users select i, 'user ' || i from generate_series(1, 20) i`
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const SETTINGS = {
  driver: { pollMs: 20 },
  gate: { transactionsMs: 100 },
} satisfies SettingsChange

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
const hiding = ({ kind, what }: Effect) => kind === 'transact' && what.includes('/retire/')

async function verified(
  settings: SettingsChange = SETTINGS,
): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  // Somebody tells what it uses, so that the leases are known.
  await bellows.instances.register({
    instance: 'new-1',
    uses: ['users.full_name'],
    applicationName: 'shop/new-1',
  })
  return { database, bellows }
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

/** Does something right before the transaction that hides the column, with the gate passed already. */
async function meanwhile(
  database: TestDatabase,
  work: () => Promise<unknown>,
  settings: SettingsChange = SETTINGS,
): Promise<Bellows> {
  const { bellows } = faultyBellows(
    database.url,
    {
      before: async (effect) => {
        if (hiding(effect)) await work()
      },
    },
    { settings },
  )
  cleanUp(() => bellows.close())
  return bellows
}

describe('a session that is of nobody who registered', () => {
  test('keeps the gate closed and is named, with what is known of it', async () => {
    const { database, bellows } = await verified()
    await database.session('nightly report')

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('called "nightly report", is of no registered instance'),
    })

    expect(await check(bellows, 'sessions')).toMatchObject({
      state: 'red',
      offenders: [{ application: 'nightly report', pid: expect.any(Number), firstSeen: expect.any(String) }],
    })
  })

  test('does so, too, when it reads the log, as change data capture does', async () => {
    const { database, bellows } = await verified()
    // The driver passes "replication" on, which its types do not know.
    const options = { connectionString: database.url, application_name: 'capture', replication: 'database' }
    const reader = new pg.Client(options)
    await reader.connect()
    cleanUp(() => reader.end())

    expect(await check(bellows, 'sessions')).toMatchObject({
      state: 'red',
      offenders: [{ application: 'capture' }],
    })
    await bellows.clients.declare({ client: 'cdc', applicationName: 'capture', owner: 'data team' })
    expect((await check(bellows, 'sessions'))?.state).toBe('green')
  })

  test('does not when it registers, whatever else it uses', async () => {
    const { database, bellows } = await verified()
    await database.session('shop/new-1')

    expect((await contract(bellows)).state).toBe('completed')
  })

  test('does not when its role cannot come near the column', async () => {
    const { database, bellows } = await verified()
    const role = await aRole(database)
    await database.session('monitoring', role)
    expect((await check(bellows, 'sessions'))?.state).toBe('green')

    await database.query(`grant select (id) on users to ${role}`)
    expect((await check(bellows, 'sessions'))?.state).toBe('green')
    await database.query(`grant update (name) on users to ${role}`)
    expect((await check(bellows, 'sessions'))?.state).toBe('red')
  })

  test('does when its role can become one that may use the column', async () => {
    const { database, bellows } = await verified()
    const [role, owner] = [await aRole(database), await aRole(database)]
    await database.query(
      `grant select on users to ${owner}; alter role ${role} noinherit; grant ${owner} to ${role}`,
    )
    await database.session('monitoring', role)

    expect((await check(bellows, 'sessions'))?.state).toBe('red')
  })

  test('does not where the owner has decided that such are only named', async () => {
    const { database, bellows } = await verified({ gate: { unregistered: 'allow', quietMs: 0 } })
    await database.session('nightly report')

    expect(await check(bellows, 'sessions')).toMatchObject({
      state: 'green',
      offenders: [{ pid: expect.any(Number) }],
    })
    expect((await contract(bellows)).state).toBe('completed')
  })

  test('and comes after the gate was passed stops the transaction that hides the column', async () => {
    const { database } = await verified()
    const bellows = await meanwhile(database, () => database.session('late report'))

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringMatching(/may be needed by session \d+ of role/),
    })
    expect(await database.query('select name from users where id = 1')).toEqual([{ name: 'user 1' }])
  })
})

describe('a client that is declared while the lock is waited for', () => {
  test('is seen before the next attempt', async () => {
    const { database, bellows } = await verified()
    const other = await database.bellows()
    const session = await database.session()
    const waiting = await meanwhile(database, async () => {
      if (await isBlocked()) return
      await session.query('begin; select from users')
      await other.clients.declare({ client: 'bi', role: 'nobody', owner: 'data team' })
    })
    const isBlocked = async () => (await bellows.clients.list()).length > 0

    await expect(contract(waiting)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('"data team" has not said that the client "bi" does without'),
    })
    await session.query('rollback')
  })
})

describe('a session that a released instance has left behind', () => {
  test('keeps the gate closed until it ends', async () => {
    const { database, bellows } = await verified()
    const session = await database.session('shop/old-1')
    await bellows.instances.register({
      instance: 'old-1',
      uses: ['users.name'],
      applicationName: 'shop/old-1',
    })
    await bellows.instances.release('old-1')

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('the instance "old-1" was released, and its session'),
    })
    await session.end()
    await expect.poll(async () => (await check(bellows, 'sessions'))?.state).toBe('green')
    expect((await contract(bellows)).state).toBe('completed')
  })
})

describe('a transaction that began before the door was closed', () => {
  test('is waited for, and keeps the gate closed when it stays', async () => {
    const { database, bellows } = await verified()
    const session = await database.session('shop/new-1')
    await session.query('begin; select 1')
    await new Promise((resolve) => setTimeout(resolve, 150))

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringMatching(/is in a transaction since .* and may use/),
    })
    expect(await check(bellows, 'transactions')).toMatchObject({
      state: 'red',
      offenders: [{ application: 'shop/new-1' }],
    })

    const patient = await database.bellows({ settings: { gate: { transactionsMs: 20_000 } } })
    const waits = contract(patient)
    await expect
      .poll(() => database.query(`select from bellows.column_state where state = 'retiring'`))
      .toHaveLength(1)
    await session.query('commit')
    expect((await waits).state).toBe('completed')
  })

  test('does not keep it closed when its role cannot come near the column', async () => {
    const { database, bellows } = await verified()
    const session = await database.session('shop/new-1', await aRole(database))
    await session.query('begin; select 1')
    await new Promise((resolve) => setTimeout(resolve, 150))

    expect((await contract(bellows)).state).toBe('completed')
  })

  test('is named when it was prepared and holds the table', async () => {
    const { database, bellows } = await verified()
    const session = await database.session('shop/new-1')
    await session.query(
      `begin; update users set full_name = 'x' where id = 1; prepare transaction '${database.name}'`,
    )
    try {
      expect(await check(bellows, 'transactions')).toMatchObject({
        state: 'red',
        because: [expect.stringContaining(`the prepared transaction "${database.name}"`)],
      })
    } finally {
      await session.query(`rollback prepared '${database.name}'`)
    }
    expect((await check(bellows, 'transactions'))?.state).toBe('green')
  })

  test('and holds the table is met by the change itself, where it is named only', async () => {
    const { database, bellows } = await verified({
      gate: { unregistered: 'allow', transactionsMs: 100 },
      lock: { deadlineMs: 300 },
    })
    const [idle, holder] = [await database.session('idle'), await database.session('holder')]
    await idle.query('begin; select 1')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await check(bellows, 'transactions')).toMatchObject({
      state: 'green',
      offenders: [{ application: 'idle' }],
    })
    await holder.query('begin; select from users')
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'lock_not_had' })
    await holder.query('rollback')
    expect((await contract(bellows)).state).toBe('completed')
  })
})

describe('what is said to mend it', () => {
  /** The last words of a fix are what can be run. */
  const command = (fix = '') => fix.slice(fix.indexOf(': ') + 2)

  test('drops each dependent, as the server calls it', async () => {
    const { database, bellows } = await verified()
    await database.query(`create schema "Odd One";
      create view "Odd One"."my names" as select name from users;
      create materialized view sums as select name from users;
      create function last_name(int) returns text language sql as 'select name from users where id = $1';
      create procedure tidy() language sql as $$ update users set name = 'x' where id = 0 $$;
      create policy own on users using (name <> '');
      create function stamp() returns trigger language plpgsql as $$ begin new.name := new.name; return new; end $$;
      create trigger stamp before insert on users for each row execute function stamp();
      create statistics "Odd One".both on id, name from users`)
    const red = await check(bellows, 'dependents')
    expect(red?.offenders.map(({ who }) => who).toSorted()).toEqual([
      'the function public.last_name(integer)',
      'the function public.tidy()',
      'the materialized view public.sums',
      'the policy own on public.users',
      'the statistics "Odd One"."both"',
      'the trigger stamp on public.users',
      'the view "Odd One"."my names"',
    ])
    for (const { fix } of red?.offenders ?? []) await database.query(command(fix))
    expect((await check(bellows, 'dependents'))?.state).toBe('green')
  })

  test('finds the sessions of whoever wrote through the old shape', async () => {
    const { database, bellows } = await verified({ gate: { quietMs: 600_000 } })
    const session = await database.session("shop's old one")
    await session.query(`update users set name = 'seen' where id = 1`)
    const red = await check(bellows, 'usage')
    expect(red?.offenders).toMatchObject([{ application: "shop's old one" }])
    expect(await database.query(command(red?.offenders[0]?.fix))).toMatchObject([
      { pid: red?.offenders[0]?.pid },
    ])
  })
})

describe('the use of the old shape', () => {
  const QUIET: SettingsChange = { ...SETTINGS, gate: { ...SETTINGS.gate, quietMs: 600_000 } }

  test('keeps the gate closed for the quiet time, with who it was', async () => {
    const { database, bellows } = await verified(QUIET)
    const session = await database.session('shop/new-1')
    await session.query(`update users set name = 'seen' where id = 1`)

    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('"shop/new-1" wrote it through the old shape')],
      offenders: [{ application: 'shop/new-1', role: 'postgres', lastSeen: expect.any(String) }],
    })
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'gate_closed' })
  })

  test('counts from the end of expand, and from the release of the last instance that declared it', async () => {
    const { database, bellows } = await verified(QUIET)
    await expireWatch(database, '1 hour')
    expect((await check(bellows, 'usage'))?.state).toBe('green')

    await bellows.instances.register({ instance: 'old-1', uses: ['users.name'], applicationName: 'nobody' })
    await bellows.instances.release('old-1')
    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('an instance that had declared it was there until then')],
    })
  })

  test.for([
    ['is switched off', 'alter table users disable trigger %t'],
    ['does not fire for replicas', 'alter table users enable trigger %t'],
    ['is gone', 'drop trigger %t on users'],
  ] as const)('is not known when a trigger that counts it %s', async ([, drifted]) => {
    const { database, bellows } = await verified()
    const [trigger] = await database.query<{ name: string }>(
      `select quote_ident(tgname) as name from pg_trigger where tgrelid = 'users'::regclass and tgname ~ 'bellows_count_update'`,
    )
    await database.query(drifted.replace('%t', trigger?.name ?? ''))

    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining('is missing or switched off'), expect.anything()],
    })
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'gate_closed' })
  })

  test('counts from the end of the lease of one that was killed', async () => {
    const { database, bellows } = await verified(QUIET)
    await expireWatch(database, '1 hour')
    await bellows.instances.register({ instance: 'old-1', uses: ['users.name'], applicationName: 'nobody' })
    const renewed = (ago: string) =>
      database.query(
        `update bellows.instance set renewed_at = clock_timestamp() - interval '${ago}' where instance = 'old-1'`,
      )

    await renewed('5 minutes')
    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('an instance that had declared it was there until then')],
    })
    await expireWatch(database, '1 hour')
    await renewed('1 hour')
    expect((await check(bellows, 'usage'))?.state).toBe('green')
  })

  test('begins anew on a server that was restored or has taken over', async () => {
    const { database, bellows } = await verified(QUIET)
    await expireWatch(database, '1 hour')
    await database.query(
      `create or replace function bellows.server_identity() returns text language sql as $$ select 'another' $$`,
    )

    expect(await check(bellows, 'usage')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('the primary is another server than before, or was restored')],
    })
  })

  test('after the gate was passed stops the transaction that hides the column', async () => {
    const { database } = await verified(QUIET)
    await expireWatch(database, '1 hour')
    const late = await database.session('shop/new-1')
    const bellows = await meanwhile(
      database,
      () => late.query(`update users set name = 'late' where id = 1`),
      QUIET,
    )

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('was written through the old shape since the gate looked'),
    })
    expect(await database.query('select full_name from users where id = 1')).toEqual([{ full_name: 'late' }])
  })
})

/** As if the use had been watched for so long, and nothing had been seen. */
async function expireWatch(database: TestDatabase, time: string): Promise<void> {
  const [run] = await (await database.bellows()).runs()
  await (await database.bellows()).gates(run as never)
  await database.query(
    `update bellows.watch set state = jsonb_set(state - 'stood', '{sinceMs}', to_jsonb((state ->> 'sinceMs')::numeric - extract(epoch from interval '${time}') * 1000))`,
  )
}
