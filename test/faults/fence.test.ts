import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { postgresDatabase } from '../../src/adapters/postgres/database.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import { sql } from '../../src/core/sql.ts'
import type { Driver, Transaction } from '../../src/engine/ports.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { GIVEN, MIGRATION, SETTINGS } from './racing.ts'

describe('the fence', () => {
  const nothing: Transaction = {
    run: 1,
    locks: [],
    lockTimeoutMs: 1_000,
    statementTimeoutMs: 5_000,
    requires: [],
    statements: [],
    events: [{ type: 'run_completed' }],
  }
  const bounds = { lockTimeoutMs: 1_000, statementTimeoutMs: 5_000 }
  const work = sql`create table public.done ()`
  const plan = { migration: { name: 'x', operations: [] }, hash: '' }
  const CALLS: readonly (readonly [string, (driver: Driver) => Promise<unknown>])[] = [
    ['a transaction', (driver) => driver.transact({ ...nothing, statements: [work] })],
    ['the start of a run', (driver) => driver.startRun(plan as never)],
    ['a baseline', (driver) => driver.setBaseline({})],
    ['a statement outside a transaction', (driver) => driver.outside(work, bounds)],
    ['a rehearsal', (driver) => driver.rehearse([work], bounds)],
    ['a heartbeat', (driver) => driver.beat()],
  ]

  test.for(CALLS)('refuses %s of a driver that was replaced', async ([, call]) => {
    const database = await testDatabase(GIVEN)
    const [first, second] = [await drivable(database), await drivable(database)]
    const late = await first()
    await late.outside(sql`select pg_catalog.pg_advisory_unlock_all()`, bounds)
    await second()

    await expect(call(late)).rejects.toMatchObject({ code: 'driver_lost' })
    expect(await database.query(`select to_regclass('done') as done`)).toEqual([{ done: null }])
    expect(await database.query('select from bellows.run union all select from bellows.baseline')).toEqual([])
  })

  test('rises only after the transaction that the driver before has under way', async () => {
    const database = await testDatabase(GIVEN)
    const [first, second] = [await drivable(database), await drivable(database)]
    const late = await first()
    await late.outside(sql`select pg_catalog.pg_advisory_unlock_all()`, bounds)
    const slow = late.transact({
      ...nothing,
      events: [],
      statements: [work, sql`select pg_catalog.pg_sleep(2)`],
    })
    await expect.poll(() => sleepers(database)).toBe(1)

    await second()

    expect(await database.query('select from done'), 'what was under way is there').toEqual([])
    await slow
  })
})

describe('a database that another driver holds', () => {
  test('is waited for until the time is over, and the driver is named', async () => {
    const database = await testDatabase(GIVEN)
    const other = await database.bellows({ application: 'bellows/nightly deploy', settings: SETTINGS })
    const bellows = await database.bellows({ settings: { driver: { ...SETTINGS.driver, waitMs: 300 } } })

    await other.change(async () => {
      const waits = bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
      await expect(waits).rejects.toMatchObject({
        code: 'driver_busy',
        message: expect.stringMatching(
          /^bellows\/nightly deploy \(pid \d+, user \w+\) is changing this database; waited 0.3 s/,
        ),
      })
    })

    expect((await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))).state).toBe('expanding')
  })

  test.for([
    ['may see other sessions but not end them', 'grant pg_read_all_stats to %', 'could not be ended'],
    ['sees nothing of other sessions', '', 'is changing this database'],
  ] as const)(
    'is not taken from a silent driver by a role that %s: it says who that is',
    async ([, grant, says]) => {
      const database = await testDatabase()
      const role = `owner_${database.name}`
      await database.query(`create role ${role} login; ${grant.replace('%', role)}`)
      cleanUp(async () => {
        await database.query(`drop owned by ${role} cascade; drop role ${role}`)
      })
      await database.query(
        `grant create on database ${database.name} to ${role}; grant create on schema public to ${role}`,
      )
      const url = Object.assign(new URL(database.url), { username: role }).href
      const bellows = await database.bellows({
        database: url,
        settings: { driver: { ...SETTINGS.driver, waitMs: 500, staleMs: 200 } },
      })
      await bellows.install()
      const silent = await (await drivable(database, 'the silent one'))()
      await sleep(400)

      await expect(bellows.change(async () => undefined)).rejects.toMatchObject({
        code: 'driver_busy',
        message: expect.stringMatching(new RegExp(`^the silent one \\(pid \\d+, user \\w+\\).*${says}`)),
      })

      await silent.release()
      await bellows.change(async () => undefined)
    },
  )
})

/** Something that becomes the driver of a database with the real adapter, and fails where it does not. */
async function drivable(
  database: TestDatabase,
  application = 'bellows/test',
): Promise<() => Promise<Driver>> {
  const bellows = await database.bellows()
  await bellows.install()
  const target = { url: database.url, application }
  const sessions = openSessions(target)
  cleanUp(() => sessions.close())
  return async () => {
    const answer = await postgresDatabase(target, sessions).tryToDrive()
    if (!('epoch' in answer)) throw new Error(answer.who)
    cleanUp(() => answer.release())
    return answer
  }
}

async function sleepers(database: TestDatabase): Promise<number> {
  const rows = await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  )
  return rows.length
}
