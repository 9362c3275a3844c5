import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { goneWithout } from '../support/gone-without.ts'
import { rename } from '../support/rename.ts'

/** What the owner of a database and of its clients can say and decide. */
const GIVEN = `create table users (id int primary key, name text not null, legacy text);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 20) i`
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const DROP = {
  name: '0002_drop',
  operations: [{ kind: 'drop_column', namespace: 'public', table: 'users', column: 'legacy' }],
} as const

const contract = (bellows: Bellows, until: 'retire' | 'purge' = 'purge') =>
  bellows.change((driver) => driver.advance(MIGRATION, until))

async function verified(
  settings: SettingsChange = {},
): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({
    settings,
    actor: { user: 'ana', host: 'laptop', tool: 'bellows/test', pipeline: 'https://ci/1' },
  })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'], applicationName: 'new-1' })
  return { database, bellows }
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

describe('a client that is declared', () => {
  test('is no stranger, and blocks until somebody has answered for it', async () => {
    const { database, bellows } = await verified()
    await database.session('metabase')
    await bellows.clients.declare({ client: 'bi', applicationName: 'metabase', owner: 'data team' })

    expect((await check(bellows, 'sessions'))?.state).toBe('green')
    expect(await check(bellows, 'clients')).toMatchObject({
      state: 'red',
      because: ['"data team" has not said that the client "bi" does without "users"."name"'],
    })
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'gate_closed' })

    await bellows.clients.acknowledge({ client: 'bi', run: 1, by: 'ana' })
    expect(await bellows.clients.list(1)).toMatchObject([{ client: 'bi', acknowledged: { by: 'ana' } }])
    expect(await bellows.clients.list()).toMatchObject([{ client: 'bi', acknowledged: null }])
    expect((await contract(bellows)).state).toBe('completed')
  })

  test('may be answered for once and for all', async () => {
    const { bellows } = await verified()
    await bellows.clients.declare({ client: 'dump', role: 'backup', owner: 'ops' })
    await bellows.clients.acknowledge({ client: 'dump', by: 'ops' })
    expect((await check(bellows, 'clients'))?.state).toBe('green')
  })

  test('is to be answered for anew when other sessions are its own, not when somebody else owns it', async () => {
    const { bellows } = await verified()
    const declared = { client: 'dump', role: 'backup', owner: 'ops' }
    await bellows.clients.declare(declared)
    await bellows.clients.acknowledge({ client: 'dump', by: 'ops' })
    await bellows.clients.declare({ ...declared, owner: 'data team' })
    expect((await check(bellows, 'clients'))?.state).toBe('green')
    await bellows.clients.declare({ ...declared, role: 'postgres' })
    expect((await check(bellows, 'clients'))?.state).toBe('red')
  })

  test('is told by all that is said of it, not by a part', async () => {
    const { database, bellows } = await verified()
    await database.session('metabase')
    await bellows.clients.declare({ client: 'bi', applicationName: 'metabase', role: 'other', owner: 'x' })
    expect((await check(bellows, 'sessions'))?.state).toBe('red')
    await bellows.clients.declare({ client: 'bi', applicationName: 'metabase', role: 'postgres', owner: 'x' })
    expect((await check(bellows, 'sessions'))?.state).toBe('green')
    await bellows.clients.forget('bi')
    expect((await check(bellows, 'sessions'))?.state).toBe('red')
  })

  test('must be there to be answered for or forgotten', async () => {
    const { bellows } = await verified()
    const unknown = { code: 'client_unknown', message: 'No client "bi" is declared.' }
    await expect(bellows.clients.acknowledge({ client: 'bi', by: 'ana' })).rejects.toMatchObject(unknown)
    await expect(bellows.clients.forget('bi')).rejects.toMatchObject(unknown)
  })
})

describe('a check that somebody goes on without', () => {
  const overriding = (check: GateCheck['check'], instance?: string): SettingsChange => ({
    gate: {
      overrides: [{ check, reason: 'it is only a console', ...(instance === undefined ? {} : { instance }) }],
    },
  })

  test('is written down with the evidence in the transaction that hides the column', async () => {
    const { database, bellows } = await verified(overriding('sessions'))
    await database.session('psql')
    expect((await contract(bellows)).state).toBe('completed')

    expect(await goneWithout(bellows)).toEqual([
      {
        migration: '0001_test',
        at: expect.stringMatching(/^20\d\d-/),
        role: 'postgres',
        check: 'sessions',
        reason: 'it is only a console',
        column: { namespace: 'public', table: 'users', column: 'name' },
        evidence: [
          expect.objectContaining({
            check: 'sessions',
            state: 'red',
            because: [expect.stringContaining('called "psql"')],
          }),
        ],
        actor: { user: 'ana', host: 'laptop', tool: 'bellows/test', pipeline: 'https://ci/1' },
      },
    ])
    const [hidden, overridden] = await database.query<{ at: string }>(
      `select xmin::text as at from bellows.event where event ->> 'type' = 'gate_overridden'
         or event ->> 'step' = '0001_test/retire/1' order by seq`,
    )
    expect(hidden?.at, 'one transaction').toBe(overridden?.at)
    await expect(database.query(`delete from bellows.event`)).rejects.toThrow(/append-only/)
  })

  test('is not written down when nothing stood against it, or when the contract waits for something else', async () => {
    const { database, bellows } = await verified(overriding('sessions'))
    await bellows.instances.register({ instance: 'old-1', uses: ['users.name'] })
    await database.session('psql')
    await expect(contract(bellows)).rejects.toMatchObject({ code: 'instances_blocking' })
    expect(await bellows.audit()).toEqual([])
  })

  test('can be the lease of one instance, by its name', async () => {
    const { bellows } = await verified(overriding('leases', 'old-1'))
    await bellows.instances.register({ instance: 'old-1', uses: ['users.name'] })
    await bellows.instances.register({ instance: 'old-2', uses: ['users.name'] })
    await expect(contract(bellows)).rejects.toMatchObject({
      facts: { blocking_instances: ['old-1', 'old-2'] },
    })
    await bellows.instances.release('old-2')

    expect((await contract(bellows)).state).toBe('completed')
    expect(await goneWithout(bellows)).toMatchObject([{ check: 'leases', instance: 'old-1' }])
  })

  test('can be a part of it, by a setting that asks for less than usual', async () => {
    const loose = { unregistered: 'allow', silentGraceMs: 1_000, reason: 'a console is open' } as const
    const { database, bellows } = await verified({ gate: loose })
    await database.session('psql')
    expect((await contract(bellows)).state).toBe('completed')

    const common = { column: { column: 'name' }, reason: 'a console is open', actor: { user: 'ana' } }
    expect(await bellows.audit()).toMatchObject([
      { ...common, check: 'leases', setting: 'gate.silentGraceMs 1 s instead of 10 min' },
      { ...common, check: 'usage', setting: 'gate.quietMs 0 s instead of 60 s' },
      {
        ...common,
        check: 'sessions',
        setting: 'gate.unregistered allow',
        evidence: [{ check: 'sessions', state: 'green', offenders: [{ application: 'psql' }] }],
      },
      { ...common, check: 'transactions' },
      { ...common, check: 'clients' },
    ])
    const [hidden, ...written] = await database.query<{ at: string }>(
      `select xmin::text as at from bellows.event where event ->> 'step' = '0001_test/retire/1'
         or event ->> 'type' = 'gate_overridden' order by event ->> 'type' desc`,
    )
    expect(new Set(written.map(({ at }) => at))).toEqual(new Set([hidden?.at]))
  })

  test.for(['dependents', 'transactions'] as const)('is never %s', async (name) => {
    const { database, bellows } = await verified({
      gate: { ...overriding(name).gate, transactionsMs: 50 },
      driver: { pollMs: 20 },
    })
    if (name === 'dependents') await database.query('create view names as select name from users')
    else await (await database.session('new-1')).query('begin; select 1')
    await new Promise((resolve) => setTimeout(resolve, 100))
    await expect(contract(bellows)).rejects.toThrow(/The contract waits/)
  })
})

describe('a hidden shape', () => {
  test('is dropped by itself when its time has come, and only where somebody has let it', async () => {
    const { bellows } = await verified({ gate: { whenNoneRegistered: 'allow' } })
    expect(await bellows.reap()).toEqual([])
    await contract(bellows, 'retire')
    expect(await bellows.reap(), 'nobody has let it').toEqual([])

    await bellows.schedulePurge(1, 3_600_000)
    expect(await bellows.reap()).toEqual([
      { migration: '0001_test', dropped: false, graceLeftMs: expect.any(Number) },
    ])
    await bellows.schedulePurge(1, 0)
    expect(await bellows.reap()).toEqual([{ migration: '0001_test', dropped: true }])
    expect(await bellows.reap()).toEqual([])
    expect((await bellows.run('0001_test'))?.state).toBe('completed')
  })

  test('that was brought back is not dropped', async () => {
    const { bellows } = await verified()
    await contract(bellows, 'retire')
    await bellows.schedulePurge(1, 0)
    await bellows.change((driver) => driver.undo(1))
    expect(await bellows.reap()).toEqual([])
    await contract(bellows, 'retire')
    expect(await bellows.reap(), 'and must be let again').toEqual([])
  })
})

describe('a trial of the contract', () => {
  test('lets every write of the old column fail until it is over, and no other', async () => {
    const { database, bellows } = await verified()
    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await expect(database.query(`update users set name = 'x' where id = 1`)).rejects.toMatchObject({
      code: '42703',
      message: '"name" of "users" is about to be removed, and on trial nobody can write it now',
    })
    await expect(database.query(`insert into users (id, name) values (100, 'x')`)).rejects.toThrow(/on trial/)
    await database.query(`update users set full_name = 'y' where id = 1`)
    await database.query(`insert into users (id, full_name) values (100, 'x')`)
    expect(await check(bellows, 'brownout')).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/^the trial of "users"."name" goes on until/),
        expect.stringMatching(/^2 statements tried to write "users"."name" on trial/),
      ],
    })

    await bellows.change((driver) => driver.brownOut(1, 0))
    await database.query(`update users set name = 'z' where id = 2`)
    await database.query(`update bellows.brownout set writes = writes + 3`)
    expect(await check(bellows, 'brownout')).toMatchObject({ state: 'green' })
  })

  test('ends by itself, by the clock of the server', async () => {
    const { database, bellows } = await verified()
    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await database.query(`update bellows.brownout set until = clock_timestamp() - interval '1 ms'`)
    await database.query(`update users set name = 'z' where id = 2`)
  })

  test('that nobody noticed speaks for the contract, and one that somebody did against it', async () => {
    const { database, bellows } = await verified()
    expect(await check(bellows, 'brownout'), 'opt-in').toBeUndefined()
    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await database.query(`update users set name = 'x' where id = 1`).catch(() => undefined)
    await bellows.change((driver) => driver.brownOut(1, 0))
    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('1 statements tried to write'),
    })

    await bellows.change((driver) => driver.brownOut(1, 600_000))
    await bellows.change((driver) => driver.brownOut(1, 0))
    expect((await contract(bellows)).state).toBe('completed')
  })

  test('is refused where nothing counts writes, and before the rows are compared', async () => {
    const database = await testDatabase(
      `create table users (id int primary key, name text, legacy text generated always as (name || '!') stored)`,
    )
    const bellows = await database.bellows()
    const dropping = await bellows.change((driver) => driver.advance(DROP, 'verify'))
    await expect(bellows.change((driver) => driver.brownOut(dropping.id, 1_000))).rejects.toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining('no trial can be made'),
    })
    const { bellows: other } = await verified()
    await contract(other, 'retire')
    await expect(other.change((driver) => driver.brownOut(1, 1_000))).rejects.toMatchObject({
      code: 'phase_order',
    })
  })
})
