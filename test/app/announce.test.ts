import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { announce } from '../../src/app/announce.ts'
import type { Migration } from '../../src/core/operations/migration.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

async function installed(): Promise<TestDatabase> {
  const database = await testDatabase('create table users (id int primary key, name text)')
  await (await database.bellows()).install()
  return database
}

function poolOf(database: TestDatabase, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.url, max: 2, ...config })
  // A session that is ending may still be ended by the database's own end.
  pool.on('error', () => undefined)
  cleanUp(async () => {
    if (!pool.ended) await pool.end()
  })
  return pool
}

const RETIRED = `insert into bellows.column_state values ('public', 'users', 'name', 'retired', null)`

describe('announce', () => {
  test('registers the process, names its sessions, and releases it', async () => {
    const database = await installed()
    const pool = poolOf(database)
    const instance = await announce(pool, { application: 'shop', uses: ['users.name'] })
    const { instances } = await database.bellows()
    expect(instance.notReady).toEqual([])
    expect(instance.instance).toMatch(/^shop-.+-\d+-[0-9a-f]{8}$/)
    expect(await instances.list()).toMatchObject([
      { instance: instance.instance, application: 'shop', state: 'live' },
    ])
    const { rows } = await pool.query('show application_name')
    expect(rows[0].application_name).toBe(`shop/${instance.instance}`.slice(0, 63))
    expect(await database.query('select application_name from bellows.instance')).toEqual(rows)
    await instance.release()
    expect(await instances.list()).toMatchObject([{ state: 'released' }])
  })

  test('renews until it is released', async () => {
    const database = await installed()
    const instance = await announce(poolOf(database), {
      application: 'shop',
      uses: ['users.name'],
      leaseMs: 1_000,
    })
    const renewedAt = async () =>
      (await database.query<{ at: Date }>('select renewed_at as at from bellows.instance'))[0]?.at.getTime()
    const first = await renewedAt()
    await expect.poll(renewedAt, { timeout: 20_000 }).not.toBe(first)
    await instance.release()
  })

  test('keeps the name that an application has given its sessions', async () => {
    const database = await installed()
    const pool = poolOf(database, { application_name: 'mine' })
    await announce(pool, { application: 'shop', instance: 'a', uses: [] })
    expect(await database.query('select application_name from bellows.instance')).toEqual([
      { application_name: 'mine' },
    ])
  })

  test.each([
    ['what the URL says', 'shop', '?application_name=mine'],
    ['what the server makes of it', 'bücher', ''],
    ['as much as the server keeps', 'long'.repeat(30), ''],
  ])('registers the name that the sessions really carry: %s', async (_what, application, query) => {
    const database = await installed()
    const pool = poolOf(database, {
      connectionString: query === '' ? database.url : `${database.url}&${query.slice(1)}`,
    })
    await announce(pool, { application, instance: 'a', uses: [] })
    expect(await database.query('select application_name from bellows.instance')).toEqual(
      (await pool.query('show application_name')).rows,
    )
  })

  test('names no sessions of which it does not know what they are called', async () => {
    const database = await installed()
    const pool = poolOf(database)
    const query = (text: string, values?: unknown[]) => pool.query(text, values)
    await announce({ query }, { application: 'shop', instance: 'a', uses: [] })
    expect(await database.query('select application_name from bellows.instance')).toEqual([
      { application_name: null },
    ])
  })

  test('registers again when somebody has released it by mistake, and not behind its own release', async () => {
    const database = await installed()
    const retired: string[] = []
    const instance = await announce(poolOf(database), {
      application: 'shop',
      instance: 'a',
      uses: ['users.name'],
      leaseMs: 1_000,
      onRetired: (because) => retired.push(because),
    })
    const { instances } = await database.bellows()
    await instances.release('a')
    await expect
      .poll(() => instances.list(), { timeout: 20_000 })
      .toMatchObject([{ state: 'live', uses: ['users.name'] }])
    await instance.release()
    expect(await instances.list()).toMatchObject([{ state: 'released' }])
    expect(retired).toEqual([])
  })

  test('tells of a column that is not filled and verified yet', async () => {
    const database = await installed()
    await database.query(RETIRED.replace('retired', 'not_ready'))
    const instance = await announce(poolOf(database), { application: 'shop', uses: ['users.name'] })
    expect(instance.notReady).toEqual(['users.name'])
  })

  test('refuses to start what is too old or too new for the schema', async () => {
    const database = await installed()
    const pool = poolOf(database)
    await expect(announce(pool, { application: 'shop', uses: ['users.full_name'] })).rejects.toThrow(
      'does not exist',
    )
    await database.query(RETIRED)
    await expect(announce(pool, { application: 'shop', uses: ['users.name'] })).rejects.toThrow(
      'is being retired',
    )
  })

  test('says once that the column is gone, and then is quiet', async () => {
    const database = await installed()
    const reasons: string[] = []
    await announce(poolOf(database), {
      application: 'shop',
      uses: ['users.name'],
      leaseMs: 1_000,
      onRetired: (because) => reasons.push(because),
    })
    await database.query(RETIRED)
    await expect
      .poll(() => reasons, { timeout: 20_000 })
      .toEqual([expect.stringContaining('users.name is retired')])
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(reasons).toHaveLength(1)
  })

  test('goes on renewing while one renewal hangs, and says but once that the column is gone', async () => {
    let renewals = 0
    const reasons: string[] = []
    const query = async (text: string) => {
      if (!text.includes('bellows.renew')) return { rows: [{ answer: {} }] }
      renewals += 1
      if (renewals === 1) return new Promise<never>(() => undefined)
      // All that are on their way at the time are refused.
      await new Promise((resolve) => setTimeout(resolve, 300))
      throw Object.assign(new Error('users.name is retired'), { code: 'BW003' })
    }
    await announce(
      { query },
      { application: 'shop', uses: [], leaseMs: 300, onRetired: (because) => reasons.push(because) },
    )
    await expect.poll(() => reasons.length).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(renewals, 'several overlapped').toBeGreaterThan(2)
    expect(reasons).toEqual(['users.name is retired'])
  })

  test('says that the lease is about to end when the database cannot be reached', async () => {
    const database = await installed()
    const reasons: string[] = []
    const pool = poolOf(database)
    await announce(pool, {
      application: 'shop',
      uses: ['users.name'],
      leaseMs: 1_000,
      onStale: (because) => reasons.push(because),
    })
    await pool.end()
    await expect.poll(() => reasons, { timeout: 20_000 }).toHaveLength(1)
  })

  test('says that the lease is about to end when a renewal hangs', async () => {
    const database = await installed()
    const reasons: string[] = []
    await announce(poolOf(database), {
      application: 'shop',
      uses: ['users.name'],
      leaseMs: 1_000,
      onStale: (because) => reasons.push(because),
    })
    const holder = await database.session()
    await holder.query('begin; update bellows.door set closings = closings')
    await expect.poll(() => reasons).toEqual(['the database does not answer'])
    await holder.query('rollback')
  })

  test('is released though a renewal of it hangs, which does not bring it back', async () => {
    const database = await installed()
    const instance = await announce(poolOf(database), {
      application: 'shop',
      instance: 'a',
      uses: ['users.name'],
      leaseMs: 1_000,
    })
    const holder = await database.session()
    await holder.query('begin; update bellows.door set closings = closings')
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    await expect.poll(() => database.query(waiting)).not.toEqual([])
    await instance.release()
    await holder.query('rollback')
    await expect.poll(() => database.query(waiting)).toEqual([])
    const { instances } = await database.bellows()
    expect(await instances.list()).toMatchObject([{ state: 'released' }])
    expect(instance.readiness()).toEqual({ ready: false, because: ['this instance was released'] })
  })

  test('says what to do where the registry was never made', async () => {
    const database = await testDatabase()
    await expect(announce(poolOf(database), { application: 'shop', uses: [] })).rejects.toThrow(
      'bellows init --database',
    )
  })
})

const MIGRATION: Migration = { name: '0001_rename', operations: [rename()] }
const READY = { ready: true, because: [] }

describe('readiness', () => {
  test('follows the renewals from not ready to ready, without a restart', async () => {
    const database = await installed()
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const instance = await announce(poolOf(database), {
      application: 'shop',
      uses: ['users.full_name'],
      leaseMs: 1_000,
    })
    expect(instance.notReady).toEqual(['users.full_name'])
    expect(instance.readiness().because).toContain('users.full_name is not filled and verified yet')
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect.poll(() => instance.readiness()).toEqual(READY)
    expect(instance.notReady).toEqual([])
    await instance.release()
  })

  test('is there for a database that is ahead', async () => {
    const database = await installed()
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await database.query('alter table users add column later text')
    const instance = await announce(poolOf(database), { application: 'shop', uses: ['users.name'] })
    expect(instance.readiness()).toEqual(READY)
    await instance.release()
  })

  test('is not there any more when the column is gone', async () => {
    const database = await installed()
    const retired: string[] = []
    const instance = await announce(poolOf(database), {
      application: 'shop',
      uses: ['users.name'],
      leaseMs: 1_000,
      onRetired: (because) => retired.push(because),
    })
    await expect.poll(() => instance.readiness()).toEqual(READY)
    await database.query(RETIRED)
    await expect.poll(() => retired).toHaveLength(1)
    expect(instance.readiness()).toEqual({
      ready: false,
      because: ['users.name is retired: this instance must stop'],
    })
    expect(instance.notReady).toEqual(['users.name'])
  })

  test('ends with the lease when the database does not answer, and comes back with it', async () => {
    const database = await installed()
    let isDown = false
    const pool = poolOf(database)
    const query = (text: string, values?: unknown[]) =>
      isDown ? Promise.reject(new Error('connection refused')) : pool.query(text, values)
    const instance = await announce({ query }, { application: 'shop', uses: ['users.name'], leaseMs: 1_000 })
    isDown = true
    await expect.poll(() => instance.readiness().because[0]).toContain(': connection refused')
    isDown = false
    await expect.poll(() => instance.readiness()).toEqual(READY)
    await instance.release()
  })
})

describe('an instance that waits', () => {
  const early = {
    application: 'shop',
    uses: ['users.full_name'],
    leaseMs: 1_000,
    unlessAccepted: 'wait',
  } as const

  test('starts against a database that is behind, and becomes ready with it', async () => {
    const database = await testDatabase('create table users (id int primary key, name text)')
    const pool = poolOf(database)
    const instance = await announce(pool, { ...early, instance: 'a' })
    const because = () => instance.readiness().because[0]
    expect(because()).toBe(
      'not registered yet: The database has no registry of instances yet. Make it once: bellows init --database <url>',
    )
    expect(instance.notReady).toEqual(['users.full_name'])

    const bellows = await database.bellows()
    await bellows.install()
    await expect.poll(because).toContain('not registered yet: users.full_name does not exist')
    expect(await bellows.instances.list(), "it stands in nobody's way").toEqual([])

    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    await expect.poll(because).toBe('users.full_name is not filled and verified yet')
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await expect.poll(() => instance.readiness()).toEqual(READY)

    expect(await database.query('select instance, application_name from bellows.instance')).toEqual([
      { instance: 'a', application_name: 'shop/a' },
    ])
    await instance.release()
  })

  test('that is too old never gets in, and is not told to stop what it has not begun', async () => {
    const database = await installed()
    await database.query(RETIRED)
    const retired: string[] = []
    const instance = await announce(poolOf(database), {
      ...early,
      uses: ['users.name'],
      onRetired: (because) => retired.push(because),
    })
    expect(instance.readiness().because).toEqual([expect.stringContaining('users.name is being retired')])
    expect(retired).toEqual([])
    await instance.release()
  })

  test('starts while the database cannot be reached', async () => {
    const unreachable = { query: () => Promise.reject(new Error('connect ECONNREFUSED')) }
    const instance = await announce(unreachable, early)
    expect(instance.readiness().because).toEqual(['not registered yet: connect ECONNREFUSED'])
    await expect(instance.release()).rejects.toThrow('connect ECONNREFUSED')
  })
})
