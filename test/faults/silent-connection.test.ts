import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { OpenOptions } from '../../src/compose.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { startProxy } from '../support/proxy.ts'
import { MIGRATION, SETTINGS, STEP, table, UNLIKE } from './wide-rows.ts'

/** Some two hundred blocks, enough for a ladder and several workers, in batches that a test can step in between. */
const ROWS = 6_000
const SLOW = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return null; end $$;
  create trigger slow before update on users for each statement execute function slow()`
const TABLE = table(
  `insert into users (id, name) select i, 'user ' || i from generate_series(401, ${ROWS}) i; analyze users; ${SLOW}`,
)

const filled = async (database: TestDatabase) =>
  (
    await database.query<{ rows: number }>(
      'select coalesce(sum(rows_done), 0)::int as rows from bellows.backfill_range',
    )
  )[0]?.rows ?? 0

const epochOf = (database: TestDatabase) => database.query('select epoch::int from bellows.driver')

/** A backfill that has begun, over a proxy. */
async function fillingThrough(settings: NonNullable<OpenOptions['settings']>) {
  const database = await testDatabase(TABLE)
  const proxy = await startProxy(database.url)
  const bellows = await database.bellows({ database: proxy.url, settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect.poll(() => filled(database)).toBeGreaterThan(ROWS / 10)
  const areAllFilled = async () => {
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
  }
  return { database, proxy, filling, areAllFilled }
}

/** Nobody is told: neither end hears of the other one any more, and the server keeps the session. */
describe('a way to the server that is cut without a word', { timeout: 120_000 }, () => {
  test('is left by a worker that waits for its batch: another one stands in for it, and the driver goes on', async () => {
    const { database, proxy, filling, areAllFilled } = await fillingThrough({
      ...SETTINGS,
      batch: { ...SETTINGS.batch, workers: 2 },
    })
    const epoch = await epochOf(database)

    proxy.goSilent(/application_name\0[^\0]* worker/)
    await filling

    expect(await epochOf(database)).toEqual(epoch)
    await areAllFilled()
  })

  test('is left by the driver, which ends the session that has its lock, and goes on as the next one', async () => {
    const { database, proxy, filling, areAllFilled } = await fillingThrough({
      ...SETTINGS,
      // Longer than anybody would wait for: the old session is not to be waited out.
      driver: { ...SETTINGS.driver, staleMs: 3_600_000, waitMs: 10_000 },
    })
    const [before] = await epochOf(database)

    proxy.goSilent(/pg_try_advisory_lock/)
    await filling

    expect(await epochOf(database)).toEqual([{ epoch: Number(before?.epoch) + 1 }])
    await areAllFilled()
  })

  test('keeps no driver from being heard of', async () => {
    const database = await testDatabase(TABLE)
    const proxy = await startProxy(database.url)
    const bellows = await database.bellows({
      database: proxy.url,
      settings: { ...SETTINGS, driver: { ...SETTINGS.driver, heartbeatMs: 50 } },
    })
    const beat = () => database.query('select epoch, beat_at::text from bellows.heartbeat')
    await bellows.change(async () => {
      const begun = await beat()
      await expect.poll(beat).not.toEqual(begun)
      proxy.goSilent(/heartbeat set beat_at/)
      await sleep(500)
      const last = await beat()
      await expect.poll(beat, { timeout: 15_000 }).not.toEqual(last)
    })
  })

  test('is left by whoever reads, who asks over another one, and by whoever is done', async () => {
    const database = await testDatabase(TABLE)
    const proxy = await startProxy(database.url)
    const bellows = await database.bellows({ database: proxy.url, settings: SETTINGS })
    await bellows.install()
    proxy.goSilent()
    expect(await bellows.runs()).toEqual([])
    proxy.goSilent()
    await bellows.close()
  })
})
