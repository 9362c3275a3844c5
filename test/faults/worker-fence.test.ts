import { describe, expect, test } from 'vitest'
import { postgresDatabase } from '../../src/adapters/postgres/database.ts'
import { postgresJournal } from '../../src/adapters/postgres/journal.ts'
import { openSessions } from '../../src/adapters/postgres/sessions.ts'
import { DEFAULT_SETTINGS } from '../../src/config.ts'
import { rangesOver } from '../../src/core/run/ladder.ts'
import { START } from '../../src/core/run/ranges.ts'
import { batchTransaction } from '../../src/engine/backfill/batch.ts'
import { openPass } from '../../src/engine/backfill/filling.ts'
import { nextRange, openSql, rungSql } from '../../src/engine/backfill/range-rows.ts'
import type { Changing } from '../../src/engine/bellows.ts'
import type { Working } from '../../src/engine/context.ts'
import { note } from '../../src/engine/note.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { MIGRATION, SETTINGS, STEP, UNLIKE } from './wide-rows.ts'

const ROWS = 3_000
const TABLE = `
create table users (id int primary key, pad text default repeat('x', 200), name text not null);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users`
const settings = { ...SETTINGS, batch: { ...SETTINGS.batch, rows: 40 } }

/** A backfill that stands still after its first batch, with the driver who is at it. */
async function halfWay(
  database: TestDatabase,
  then: (driver: Changing, goOn: (until: 'next batch' | 'end') => Promise<unknown>) => Promise<void>,
): Promise<void> {
  let [isStopping, mayStop] = [false, true]
  const bellows = await database.bellows({
    settings,
    isStopping: () => isStopping,
    onNotice: ({ type }) => {
      isStopping = mayStop && type === 'progress'
    },
  })
  await bellows.change(async (driver) => {
    const goOn = async (until: 'next batch' | 'end') => {
      mayStop = until === 'next batch'
      const ended = await driver.advance(MIGRATION, 'backfill').catch((error: unknown) => error)
      isStopping = false
      return ended
    }
    expect(await goOn('next batch')).toMatchObject({ code: 'interrupted' })
    await then(driver, goOn)
  })
}

/** Somebody beside the driver who knows what to do next, and has not begun to. */
async function late(database: TestDatabase) {
  const target = { url: database.url, application: 'bellows/late' }
  const sessions = openSessions(target)
  const reading = {
    database: postgresDatabase(target, sessions),
    journal: postgresJournal(sessions),
    settings: DEFAULT_SETTINGS,
  } as unknown as Working
  const open = await openPass(reading)
  if (open === undefined) throw new Error('there is no backfill')
  const { range } = await nextRange(reading, open, { low: START, besides: [], isWaived: true })
  if (range === null) throw new Error('there is no range')
  const driver = await reading.database.helpDriver(open.epoch)
  cleanUp(async () => {
    await driver.close()
    await sessions.close()
  })
  const engine: Working = { ...reading, driver }
  const pass = { ...open, file: open.pass.file }
  return {
    range,
    rung: () => batchTransaction(engine, open.run, [rungSql(pass, range)]),
    opened: () => {
      const rest = { from: START, to: { block: pass.file.blocks, line: 1 } }
      const [first, ...more] = rangesOver(rest, pass.file, 40, { rungs: 8, countMax: 2 })
      if (first === undefined) throw new Error('there is no range')
      return note(engine, open.run, [], openSql(pass, { ranges: [first, ...more], rungs: 8 }))
    },
  }
}

async function counted(database: TestDatabase) {
  const [row] = await database.query<{ filled: number; ranges: number }>(
    `select (select count(full_name)::int from users) as filled, (select count(*)::int from bellows.backfill_range) as ranges`,
  )
  return row
}

describe('somebody who works beside the driver, and comes late,', () => {
  test('does its batch while the backfill stands', async () => {
    const database = await testDatabase(TABLE)
    await halfWay(database, async () => {
      const { rung } = await late(database)
      const before = await counted(database)
      expect(await rung()).toMatchObject({ isClaimed: true })
      expect((await counted(database))?.filled).toBeGreaterThan(before?.filled ?? ROWS)
      expect(await rung(), 'it has been done').toMatchObject({ isClaimed: false })
    })
  })

  test('does nothing once the run is taken back, though the driver is the same and the column is still there', async () => {
    const database = await testDatabase(TABLE)
    await halfWay(database, async (driver) => {
      const { rung, opened } = await late(database)
      // Something depends on the column, so that the rollback stands still half way.
      await database.query('create view names as select full_name from users')
      await expect(driver.rollback(1)).rejects.toMatchObject({ code: 'dependents_found' })
      const before = await counted(database)
      expect(before).toMatchObject({ ranges: 0 })
      expect(await rung()).toMatchObject({ isClaimed: false })
      expect(await opened()).toBe(false)
      expect(await counted(database)).toEqual(before)
    })
  })

  test('takes a range of another run of the same migration for none of its own', async () => {
    const database = await testDatabase(TABLE)
    await halfWay(database, async (driver, goOn) => {
      const { range, rung, opened } = await late(database)
      await driver.rollback(1)
      await goOn('next batch')
      await database.query(
        `update bellows.backfill_range set next_rung = ${range.rung} where from_block = ${range.from.block}`,
      )
      const before = await counted(database)
      expect(await rung()).toMatchObject({ isClaimed: false })
      await database.query(`delete from bellows.backfill_range`)
      expect(await opened()).toBe(false)
      expect((await counted(database))?.filled).toBe(before?.filled)
    })
  })

  test('does nothing when the step is finished', async () => {
    const database = await testDatabase(TABLE)
    await halfWay(database, async (_driver, goOn) => {
      const { rung, opened } = await late(database)
      expect(await goOn('end')).toMatchObject({ state: 'backfilling' })
      expect(await rung()).toMatchObject({ isClaimed: false })
      expect(await opened()).toBe(false)
      expect(await counted(database)).toMatchObject({ ranges: 0 })
    })
  })

  test('commits nothing when somebody else has become the driver, whatever for', async () => {
    const database = await testDatabase(TABLE)
    let beside: Awaited<ReturnType<typeof late>> | undefined
    await halfWay(database, async () => {
      beside = await late(database)
    })
    const before = await counted(database)
    const other = await database.bellows({ settings })
    await other.change(async () => {
      await expect(beside?.rung()).rejects.toMatchObject({ code: 'driver_lost' })
      await expect(beside?.opened()).rejects.toMatchObject({ code: 'driver_lost' })
      expect(await other.filling(), 'nobody is to help with it').toBeUndefined()
    })
    expect(await counted(database)).toEqual(before)
  })
})

test('a backfill that was stopped rests, for whoever helps too, until a driver goes on with it', async () => {
  const database = await testDatabase(TABLE)
  await halfWay(database, async () => undefined)
  const told: string[] = []
  let isStopping = false
  const beside = await database.bellows({
    settings,
    isStopping: () => isStopping,
    onNotice: (notice) => {
      if (notice.type === 'waiting_for_backfill') told.push(notice.because)
      if (notice.type === 'working_on') told.push(notice.step)
    },
  })
  const before = await counted(database)
  const working = beside.work()
  await expect.poll(() => told).toEqual([`${STEP} was stopped, and goes on with the next driver`])
  expect(await counted(database)).toEqual(before)
  expect(await beside.work({ once: true })).toEqual({ rows: 0, steps: [] })

  const bellows = await database.bellows({ settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  isStopping = true
  await working
  expect(await database.query(UNLIKE)).toEqual([])
})

test('whoever helps is refused by a journal of another version', async () => {
  const database = await testDatabase(TABLE)
  const bellows = await database.bellows({ settings })
  expect(await bellows.work({ once: true }), 'nothing is there yet').toEqual({ rows: 0, steps: [] })
  await bellows.install()
  for (const [version, code] of [
    [2, 'journal_older'],
    [99, 'journal_newer'],
  ] as const) {
    await database.query(`update bellows.meta set journal_version = ${version}`)
    await expect(bellows.work()).rejects.toMatchObject({ code })
  }
})

test('a new driver is not kept out by many who work under the epoch of the one before', {
  timeout: 60_000,
}, async () => {
  const database = await testDatabase(TABLE)
  await halfWay(database, async () => undefined)
  const [{ epoch } = { epoch: 0 }] = await database.query<{ epoch: string }>(
    'select epoch from bellows.driver',
  )
  const ended: unknown[] = []
  const busy = await Promise.all(Array.from({ length: 4 }, () => database.session()))
  // Each holds the row for a while, and at any time one of them does.
  const working = busy.map(async (session) => {
    for (;;)
      await session.query(
        `begin; select bellows.fence(${epoch}); select pg_sleep(0.2 + random() / 10); commit`,
      )
  })
  for (const one of working) void one.catch((error: unknown) => ended.push(error))
  const other = await database.bellows({ settings })
  expect(await other.change(async () => 'driver')).toBe('driver')
  await expect.poll(() => ended.length, { timeout: 20_000 }).toBe(4)
  expect(ended[0]).toMatchObject({ code: 'BW001' })
})

test('with a driver that is replaced its lanes are ended, too', async () => {
  const database = await testDatabase(TABLE)
  await (await database.bellows()).install()
  const target = { url: database.url, application: 'bellows/the silent one' }
  const sessions = openSessions(target)
  cleanUp(() => sessions.close())
  const server = postgresDatabase(target, sessions)
  const driver = await server.tryToDrive()
  if (!('epoch' in driver)) throw new Error('somebody else is the driver')
  const lane = await driver.lane()
  cleanUp(async () => {
    await lane.close()
    await driver.release()
  })
  const workers = () =>
    database.query(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'bellows/the silent one worker'`,
    )
  expect(await workers()).toHaveLength(1)
  await server.takeOver(0)
  await expect.poll(workers, { timeout: 20_000 }).toEqual([])
})
