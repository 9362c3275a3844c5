import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import type { Settings } from '../../src/engine/settings.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { Crash, faultyBellows } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'
import { silentFor } from '../support/silent-for.ts'

const GIVEN = `create table users (id int primary key, name text not null, legacy text);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 50) i`
const MIGRATION = {
  name: '0001_test',
  operations: [rename()],
} as const
const GRACE_MS = 60_000
const LEASE_MS = 60_000
const SETTINGS = {
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'refuse', silentGraceMs: GRACE_MS, doorMs: 30_000 },
} satisfies SettingsChange

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
const old = { instance: 'old-1', uses: ['users.name'], leaseMs: LEASE_MS } as const

describe('an instance that is silent', () => {
  test.each([
    ['app of old-1'],
    // PostgreSQL keeps 63 bytes of it.
    [`app of ${'long '.repeat(20)}old-1`],
  ])('blocks until its lease, its grace and its last session are over: %s', async (applicationName) => {
    const { database, bellows } = await verified()
    const session = await database.session(applicationName)
    await bellows.instances.register({ ...old, applicationName })
    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('the instance "old-1" uses "users"."name"'),
    })

    await silentFor(database, `${LEASE_MS + 50} ms`)
    const silent = { code: 'instances_blocking', facts: { blocking_instances: ['old-1'], silent: ['old-1'] } }
    await expect(contract(bellows)).rejects.toMatchObject(silent)
    await silentFor(database, `${LEASE_MS + GRACE_MS + 50} ms`)
    await expect(contract(bellows)).rejects.toMatchObject(silent)
    await session.end()
    await expect
      .poll(() =>
        database.query(
          `select from pg_stat_activity where application_name like 'app of %' and datname = current_database()`,
        ),
      )
      .toEqual([])

    expect((await contract(bellows)).state).toBe('completed')
  })

  test('is named by the refusal with nine others, and the rest by their number', async () => {
    const { bellows } = await verified()
    const names = Array.from({ length: 12 }, (_, at) => `old-${10 + at}`)
    for (const instance of names) await bellows.instances.register({ ...old, instance })
    await expect(contract(bellows)).rejects.toMatchObject({
      message: expect.stringMatching(/"old-19" uses "users"."name"; and 2 more\.$/),
      facts: { blocking_instances: names },
    })
  })

  test('blocks within its grace, though no session of it is left', async () => {
    const { database, bellows } = await verified()
    await bellows.instances.register({ ...old, applicationName: 'nobody' })
    await silentFor(database, `${LEASE_MS + 50} ms`)
    const within = (standing: Settings) => ({
      ...standing,
      gate: { ...standing.gate, silentGraceMs: 600_000 },
    })

    const waits = bellows.change((driver) => driver.advance(MIGRATION, 'purge'), { settings: within })

    await expect(waits).rejects.toMatchObject({ code: 'instances_blocking', facts: { silent: ['old-1'] } })
  })

  test('blocks until somebody says that it is gone, when nobody can know its sessions', async () => {
    const { database, bellows } = await verified()
    await bellows.instances.register(old)
    await silentFor(database, `${LEASE_MS + GRACE_MS + 50} ms`)

    await expect(contract(bellows)).rejects.toMatchObject({ code: 'instances_blocking' })

    await bellows.instances.release('old-1')
    expect((await contract(bellows)).state).toBe('completed')
  })

  test('and counts as gone stops the transaction that hides its column when it comes back in front of it', async () => {
    const { database, bellows: other } = await verified()
    await other.instances.register({ ...old, applicationName: 'nobody' })
    await silentFor(database, `${LEASE_MS + GRACE_MS + 50} ms`)
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (kind === 'transact' && what.includes('/retire/')) await other.instances.renew('old-1')
        },
      },
      { settings: SETTINGS },
    )
    cleanUp(() => bellows.close())

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('users.name is needed by old-1'),
    })

    expect(
      await database.query(`select from bellows.event where event ->> 'type' = 'gate_opened'`),
    ).toHaveLength(1)
    expect(await database.query('select name from users where id = 1')).toEqual([{ name: 'user 1' }])
  })

  test('and comes back after its column was retired is told to stop', async () => {
    const { database, bellows } = await verified()
    await bellows.instances.register({ ...old, applicationName: 'nobody' })
    await silentFor(database, `${LEASE_MS + GRACE_MS + 50} ms`)
    await bellows.change((driver) => driver.advance(MIGRATION, 'retire'))

    const refused = { code: 'instance_refused', message: expect.stringMatching(/users\.name/i) }
    await expect(bellows.instances.renew('old-1')).rejects.toMatchObject(refused)
    await expect(bellows.instances.renew('old-1', ['users.name'])).rejects.toMatchObject(refused)
    await expect(bellows.instances.register(old)).rejects.toMatchObject(refused)
    await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'] })

    await bellows.change((driver) => driver.undo(1))
    await bellows.instances.register(old)
    expect(await database.query(`select state from bellows.needing('public', 'users', 'name', 0)`)).toEqual([
      { state: 'live' },
    ])
  })
})

describe('while the gate looks', () => {
  test('an instance renews its lease as ever, and a new one is told that it is too late', async () => {
    const database = await testDatabase(GIVEN)
    const said: unknown[] = []
    const other = await database.bellows()
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind }) => {
          if (kind !== 'needing') return
          said.push((await other.instances.renew('old-1')).instance)
          said.push(
            await other.instances
              .register({ instance: 'old-2', uses: ['users.name'] })
              .catch((error) => error.code),
          )
        },
      },
      { settings: SETTINGS },
    )
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await other.instances.register(old)

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'instances_blocking',
      facts: { blocking_instances: ['old-1'] },
    })

    expect(said).toEqual(['old-1', 'instance_refused'])
    await other.instances.register({ instance: 'old-2', uses: ['users.name'] })
    await bellows.close()
  })

  test('a driver that is killed leaves a door that opens by itself', async () => {
    const database = await testDatabase(GIVEN)
    const doorMs = 5_000
    const killed = faultyBellows(
      database.url,
      {
        before: ({ kind }) => {
          if (kind !== 'needing') return
          killed.die()
          throw new Crash('as asked')
        },
      },
      { settings: { ...SETTINGS, gate: { ...SETTINGS.gate, doorMs } } },
    )
    await expect(contract(killed.bellows)).rejects.toBeInstanceOf(Crash)
    const closedAt = Date.now()
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bellows/faulty' and datname = current_database()`,
    )
    const bellows = await database.bellows({ settings: SETTINGS })

    await expect(bellows.instances.register(old)).rejects.toMatchObject({ code: 'instance_refused' })
    await expect
      .poll(
        () =>
          bellows.instances.register(old).then(
            () => 'registered',
            (error) => error.code,
          ),
        { timeout: 20_000 },
      )
      .toBe('registered')

    expect(Date.now() - closedAt).toBeGreaterThan(doorMs / 2)
  })
})

describe('a registry in which no instance ever was', () => {
  test('keeps the gate closed', async () => {
    const { bellows } = await verified()

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('no instance was ever registered'),
    })
    expect((await bellows.runs())[0]?.standsBecause).toContain('no instance was ever registered')
  })

  test('opens it when somebody takes the responsibility, which is written down', async () => {
    const { database, bellows } = await verified()
    const reason = `the job that used it is off since Monday; it's fine`

    const run = await bellows.change((driver) => driver.advance(MIGRATION, 'purge'), {
      settings: (standing) => ({
        ...standing,
        gate: { ...standing.gate, whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason },
      }),
    })

    expect(run.state).toBe('completed')
    expect(
      await database.query(
        `select event -> 'overrides' as overrides from bellows.event where event ->> 'type' = 'gate_opened'`,
      ),
    ).toEqual([{ overrides: [{ check: 'leases', reason }] }])
  })
})

async function verified(): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { database, bellows }
}
