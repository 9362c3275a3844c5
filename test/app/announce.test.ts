import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { announce } from '../../src/app/announce.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'

async function installed(): Promise<TestDatabase> {
  const database = await testDatabase('create table users (id int primary key, name text)')
  await (await database.bellows()).install()
  return database
}

function poolOf(database: TestDatabase): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
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
    const pool = new pg.Pool({ connectionString: database.url, application_name: 'mine' })
    cleanUp(() => pool.end())
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
    const pool = new pg.Pool({
      connectionString: query === '' ? database.url : `${database.url}&${query.slice(1)}`,
      max: 2,
    })
    cleanUp(() => pool.end())
    await announce(pool, { application, instance: 'a', uses: [] })
    expect(await database.query('select application_name from bellows.instance')).toEqual(
      (await pool.query('show application_name')).rows,
    )
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

  test('says what to do where the registry was never made', async () => {
    const database = await testDatabase()
    await expect(announce(poolOf(database), { application: 'shop', uses: [] })).rejects.toThrow(
      'bellows init --database',
    )
  })
})
