import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { announce } from '../../src/app/announce.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import {
  HAS_PGBOUNCER,
  isPgBouncer,
  type PgBouncer,
  type PoolMode,
  startPgBouncer,
  WITHOUT_PGBOUNCER,
} from '../support/pgbouncer.ts'
import { rename } from '../support/rename.ts'
import { aRole } from '../support/role.ts'
import { silentFor } from '../support/silent-for.ts'
import { type Client, startWorkload, type Workload, workSome } from '../support/workload.ts'

const MODES: readonly PoolMode[] = ['session', 'transaction']
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const USERS = `create table users (id bigint generated always as identity primary key, name text not null);
  insert into users (name) select 'user ' || i from generate_series(1, 500) i`
const SETTINGS = { batch: { rows: 50 }, driver: { pollMs: 20 }, gate: { transactionsMs: 5_000 } } as const

/** A database with a login role for each version, and PgBouncer in front of it. */
async function pooled(mode: PoolMode, settings: Record<string, string> = {}) {
  const database = await testDatabase(USERS)
  const roles = [await aRole(database), await aRole(database)] as const
  await database.query(`grant select, insert, update, delete on users to ${roles.join(', ')}`)
  const bouncer = await startPgBouncer(database, mode, { roles, settings })
  const bellows = await database.bellows({ settings: SETTINGS })
  return { database, bouncer, bellows, old: roles[0], renewed: roles[1] }
}

/** A session as an application has it, through the pooler. */
async function through(bouncer: PgBouncer, role: string, config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: bouncer.url(role), ...config })
  client.on('error', () => undefined)
  await client.connect()
  cleanUp(() => client.end().catch(() => undefined))
  return client
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

const valueIn = async (client: pg.Client, expression: string): Promise<unknown> =>
  (await client.query(`select ${expression} as value`)).rows[0].value

describe.skipIf(!HAS_PGBOUNCER)(`through PgBouncer${WITHOUT_PGBOUNCER}`, () => {
  describe.for(MODES)('in %s mode', (mode) => {
    test('an instance announces itself, renews, is ready, and releases', async () => {
      const { database, bouncer, bellows, old } = await pooled(mode)
      await bellows.install()
      const pool = new pg.Pool({ connectionString: bouncer.url(old), max: 3 })
      const instance = await announce(pool, { application: 'shop', uses: ['users.name'], leaseMs: 3_000 })
      const renewedAt = async () => (await database.query('select renewed_at from bellows.instance'))[0]
      const first = await renewedAt()
      await expect.poll(renewedAt, { timeout: 20_000 }).not.toEqual(first)
      await expect.poll(() => instance.readiness().ready).toBe(true)
      expect(await database.query('select role, application_name from bellows.instance')).toEqual([
        { role: old, application_name: `shop/${instance.instance}` },
      ])
      await expect.poll(() => bellows.instances.list()).toMatchObject([{ state: 'live' }])

      await instance.release()
      await pool.end()
      expect(await bellows.instances.list()).toMatchObject([{ state: 'released' }])
    })

    test('the three calls of any language may each come on another session', async () => {
      const { bouncer, bellows, old } = await pooled(mode)
      await bellows.install()
      for (const [call, state] of [
        [`register('i', array['users.name'], application_name => 'i')`, 'live'],
        [`renew('i')`, 'live'],
        [`release('i')`, 'released'],
      ] as const) {
        const client = await through(bouncer, old)
        await client.query(`select bellows.${call}`)
        expect(await bellows.instances.list()).toMatchObject([{ instance: 'i', state }])
      }
    })

    test('writers of both shapes work through a whole migration, and the old role keeps the gate', async () => {
      const { database, bouncer, bellows, old, renewed } = await pooled(mode, poolSize(mode))
      const before = await writers(database, bouncer, [old, 'old', 'name'])
      for (const phase of ['expand', 'backfill', 'verify'] as const) {
        await workSome(before)
        await bellows.change((driver) => driver.advance(MIGRATION, phase))
      }
      const after = await writers(database, bouncer, [renewed, 'renewed', 'full_name'])
      await announced(bouncer, old, ['old', 'name'])
      await announced(bouncer, renewed, ['renewed', 'full_name'])
      await workSome(before)
      await workSome(after)
      expect(await database.query('select from users where name is distinct from full_name')).toEqual([])
      const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
      await expect(contract()).rejects.toMatchObject({ code: 'instances_blocking' })

      expect(await before.stop()).toEqual([])
      const last = await through(bouncer, old, { application_name: 'workload/old' })
      await last.query(`select bellows.release('old')`)
      await last.query(`set application_name = 'workload/renewed'`)
      expect(await check(bellows, 'sessions')).toMatchObject({
        state: 'red',
        offenders: expect.arrayContaining([
          expect.objectContaining({
            role: old,
            pid: expect.any(Number),
            fix: expect.stringMatching(/^select pg_/),
          }),
        ]),
        hint: expect.stringContaining('RECONNECT'),
      })
      await expect(contract()).rejects.toMatchObject({
        code: 'gate_closed',
        message: expect.stringContaining(`log in as "${old}"`),
      })

      await last.end()
      await workSome(after)
      expect((await check(bellows, 'sessions'))?.state, 'the pooler keeps them open').toBe('red')
      await bouncer.admin('reconnect')
      await expect
        .poll(async () => (await check(bellows, 'sessions'))?.state, { timeout: 20_000 })
        .toBe('green')
      expect((await contract()).state).toBe('completed')
      await workSome(after)
      expect(await after.stop()).toEqual([])
    })

    test('a role has the search_path of its version, whoever shares the pooler', async () => {
      const { database, bouncer, old, renewed } = await pooled(mode)
      await database.query(
        `alter role ${old} set search_path = one; alter role ${renewed} set search_path = two`,
      )
      const clients = [await through(bouncer, old), await through(bouncer, renewed)] as const
      for (const round of [1, 2, 3])
        expect([
          round,
          ...(await Promise.all(clients.map((one) => valueIn(one, `current_setting('search_path')`)))),
        ]).toEqual([round, 'one', 'two'])
    })

    test('a role that may no longer log in does not come back, whoever shares the pooler', async () => {
      const { database, bouncer, old, renewed } = await pooled(mode)
      const [before, after] = [await through(bouncer, old), await through(bouncer, renewed)]
      await Promise.all([before.query('select 1'), after.query('select 1')])
      await database.query(`alter role ${old} nologin`)
      await bouncer.admin('reconnect')
      if (mode === 'session') await before.end()
      const sessions = () => database.query('select from pg_stat_activity where usename = $1', [old])
      await expect.poll(sessions).toHaveLength(0)
      const again = through(bouncer, old).then((client) => client.query('select 1'))
      await expect(again).rejects.toThrow()
      expect(await sessions()).toEqual([])
      await after.query('select 1')
    })

    test('a search_path that is asked for as the session begins is refused, or comes to nothing', async () => {
      const { bouncer, old } = await pooled(mode)
      const config = { options: '-c search_path=one' }
      await expect(through(bouncer, old, config)).rejects.toThrow('startup parameter')
      const deaf = await pooled(mode, { ignore_startup_parameters: 'options' })
      const client = await through(deaf.bouncer, deaf.old, config)
      expect(await valueIn(client, `current_setting('search_path')`)).toBe('"$user", public')
    })

    test('Bellows itself does not work there, and has changed nothing', async () => {
      for (const settings of [{}, { ignore_startup_parameters: 'options' }]) {
        const { database, bouncer } = await pooled(mode, settings)
        const bellows = await database.bellows({ database: bouncer.url() })
        await expect(bellows.examine()).rejects.toMatchObject({ code: 'connection_pooled' })
        const client = await through(bouncer, 'postgres')
        expect(await valueIn(client, `current_setting('search_path')`)).toBe('"$user", public')
      }
    })
  })

  describe('in transaction mode', () => {
    test('a client without a name of its own is called like the one before it, before PgBouncer 1.22', async () => {
      const { bouncer, old } = await pooled('transaction')
      const named = await through(bouncer, old, { application_name: 'shop/new-1' })
      await named.query('select 1')
      const nameless = await through(bouncer, old)
      expect(await valueIn(nameless, `current_setting('application_name')`)).toBe(
        isPgBouncer(22) ? '' : 'shop/new-1',
      )
    })

    test('a client that asks nothing has no session, so a silent instance counts as gone after its grace', async () => {
      const { database, bellows, client } = await silent('transaction')
      const seen = () => database.query(`select from pg_stat_activity where application_name = 'shop/old-1'`)
      await expect.poll(seen, { timeout: 30_000 }).toHaveLength(0)
      expect((await check(bellows, 'leases'))?.state).toBe('green')
      const own = '(select application_name from pg_stat_activity where pid = pg_backend_pid())'
      expect(await valueIn(client, own), 'it has one again as soon as it asks').toBe('shop/old-1')
    })
  })

  test('in session mode a client has its session for as long as it is connected, and the gate waits for it', async () => {
    const { bellows, client } = await silent('session')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(await check(bellows, 'leases')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('the instance "old-1" is silent but not known to be gone')],
    })
    await client.end()
    await expect.poll(async () => (await check(bellows, 'leases'))?.state).toBe('green')
  })
})

/** An instance of the old version that stands still for longer than its grace, and is connected to the pooler. */
async function silent(mode: PoolMode) {
  const { database, bouncer, bellows, old } = await pooled(mode, { server_idle_timeout: '1' })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  const client = await through(bouncer, old, { application_name: 'shop/old-1' })
  await client.query(
    `select bellows.register('old-1', array['users.name'], application_name => 'shop/old-1')`,
  )
  await silentFor(database, '1 hour')
  return { database, bellows, client }
}

/** In transaction mode fewer sessions than clients, so that these really share them. */
function poolSize(mode: PoolMode): Record<string, string> {
  return mode === 'transaction' ? { default_pool_size: '2' } : {}
}

/** Several at once that write and read one shape; they disconnect when they are stopped. */
async function writers(
  database: TestDatabase,
  bouncer: PgBouncer,
  [role, name, column]: readonly [string, string, string],
): Promise<Workload> {
  const client: Client = {
    name,
    statements: [
      `insert into users (${column}) values ('made ' || $1)`,
      `update users set ${column} = ${column} || '.' where id = $1::bigint % 500 + 1`,
      `select ${column} from users where id = $1::bigint % 500 + 1`,
    ],
  }
  const clients: pg.Client[] = []
  const session = async (application_name = name) => {
    const opened = await through(bouncer, role, { application_name })
    clients.push(opened)
    return opened
  }
  const workload = await startWorkload({ ...database, session }, [client, client, client, client])
  const stop = async () => {
    const errors = await workload.stop()
    for (const one of clients) await one.end()
    return errors
  }
  return { ...workload, stop }
}

async function announced(bouncer: PgBouncer, role: string, [name, column]: readonly [string, string]) {
  const client = await through(bouncer, role, { application_name: `workload/${name}` })
  await client.query(
    `select bellows.register('${name}', array['users.${column}'], application_name => 'workload/${name}')`,
  )
  await client.end()
}
