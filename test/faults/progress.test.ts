import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Braked, Notice, Progress } from '../../src/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { MIGRATION, SETTINGS, STEP } from './wide-rows.ts'

const ROWS = 3_000
/** Each batch takes its time, so that a test can step in. */
const SLOW = `
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
create trigger slow before update on users for each statement execute function slow()`
const TABLE = `
create table users (id int primary key, name text);
insert into users select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users;
${SLOW}`

const settings = { ...SETTINGS, batch: { ...SETTINGS.batch, rows: 40 } } satisfies SettingsChange

/** Somebody who fills, with what is told there, and somebody who looks on from elsewhere. */
async function filling(database: TestDatabase, change: SettingsChange = settings) {
  const told: Progress[] = []
  const braked: Braked[] = []
  let [isStopping, stopsAt] = [false, 1]
  const bellows = await database.bellows({
    settings: change,
    isStopping: () => isStopping,
    onNotice: (notice: Notice) => {
      if (notice.type === 'progress' && notice.step === STEP) {
        told.push(notice)
        isStopping ||= notice.rowsDone / ROWS > stopsAt
      }
      if (notice.type === 'braked') braked.push(notice)
    },
  })
  const looking = await database.bellows()
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  return {
    id,
    told,
    braked,
    looking,
    /** Up to a share of the rows, or to the end. */
    begin: (share = 1) => {
      isStopping = false
      stopsAt = share
      return bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    },
    stop: async (work: Promise<unknown>) => {
      isStopping = true
      await expect(work).rejects.toMatchObject({ code: 'interrupted' })
    },
    isAt: (share: number) =>
      expect.poll(() => (told.at(-1)?.rowsDone ?? 0) / ROWS, { timeout: 20_000 }).toBeGreaterThan(share),
    paces: () => told.map(({ rowsPerSecond, secondsLeft }) => ({ rowsPerSecond, secondsLeft })),
    /** What is said elsewhere, once anything is; a batch at the end of a block may have no rows. */
    elsewhere: async (): Promise<Pick<Progress, 'rowsPerSecond' | 'secondsLeft'>> => {
      let said: Progress | undefined
      const look = async () => {
        said = await looking.progress(id)
        return said?.secondsLeft === undefined ? 0 : said.rowsPerSecond
      }
      await expect.poll(look, { timeout: 20_000 }).toBeGreaterThan(0)
      const { rowsPerSecond = 0, secondsLeft = 0 } = said ?? {}
      return { rowsPerSecond, secondsLeft }
    },
  }
}

/** As if it had passed meanwhile. */
const pass = (database: TestDatabase, time: string) =>
  database.query(`update bellows.checkpoint set started_at = started_at - interval '${time}'`)

describe('the progress of a backfill', () => {
  test('does not count the night between two attempts, and is the same wherever somebody looks', async () => {
    const database = await testDatabase(TABLE)
    const { id, told, looking, begin, stop, paces, elsewhere } = await filling(database)
    await expect(begin(0.3)).rejects.toMatchObject({ code: 'interrupted' })
    const resting = await looking.progress(id)
    expect(resting, 'nobody is at it').toMatchObject({ rowsPerSecond: 0, workers: 0 })
    expect(resting).not.toHaveProperty('secondsLeft')

    await pass(database, '12 hours')
    told.length = 0
    const second = begin()
    const said = await elsewhere()
    expect(paces()).toContainEqual(said)
    expect(said.secondsLeft).toBeLessThan(60)
    expect(said.rowsPerSecond).toBeGreaterThan(50)
    expect(await looking.progress(id)).toMatchObject({ workers: 1 })
    await stop(second)
  })

  test('does not count an hour for which somebody has paused it', async () => {
    const database = await testDatabase(TABLE)
    const { id, told, braked, looking, begin, stop, isAt, paces, elsewhere } = await filling(database)
    const whole = begin()
    await isAt(0.3)
    await looking.throttle(id, { share: 0 })
    await expect.poll(() => braked.at(-1)?.pace, { timeout: 20_000 }).toBe('pause')
    // Longer than a batch takes that was begun before it.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await pass(database, '1 hour')
    const paused = await elsewhere()
    expect(paces()).toContainEqual(paused)
    expect(paused.secondsLeft).toBeLessThan(60)

    const before = told.length
    await looking.throttle(id, { share: 1 })
    await expect.poll(() => told.length, { timeout: 20_000 }).toBeGreaterThan(before + 5)
    for (const { secondsLeft, rowsPerSecond } of paces().slice(before, -1)) {
      expect(secondsLeft).toBeLessThan(60)
      expect(rowsPerSecond).toBeGreaterThan(50)
    }
    const again = await elsewhere()
    expect(paces()).toContainEqual(again)
    await stop(whole)
  })

  test('says how many are at it', async () => {
    const database = await testDatabase(`
create table users (id int primary key, pad text default repeat('x', 200), name text not null);
insert into users (id, name) select i, 'user ' || i from generate_series(1, 6000) i; analyze users;
${SLOW}`)
    const batch = { ...settings.batch, workers: 3 }
    const { id, told, looking, begin, stop } = await filling(database, { ...settings, batch })
    const whole = begin()
    await expect.poll(() => told.at(-1)?.workers, { timeout: 20_000 }).toBe(3)
    expect(await looking.progress(id)).toMatchObject({ workers: 3 })
    await stop(whole)
  })

  test('knows the rows of partitions that nobody has analysed', async () => {
    const parts = [0, 1, 2, 3].map(
      (part) => `create table users_${part} partition of users for values with (modulus 4, remainder ${part})
  with (autovacuum_enabled = off)`,
    )
    const database = await testDatabase(`
create table users (id int primary key, pad text default repeat('x', 200), name text) partition by hash (id);
${parts.join(';\n')};
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i`)
    const { id, told, looking, begin } = await filling(database)
    await begin()
    const totals = told.map(({ rowsTotal }) => rowsTotal)
    expect(totals.length).toBeGreaterThan(4)
    for (const total of totals) expect(Math.abs(total - ROWS) / ROWS).toBeLessThan(0.1)
    expect(await looking.progress(id), 'it is done').toBeUndefined()
  })

  test('knows them also where the first partition is empty', async () => {
    const database = await testDatabase(`
create table users (id int primary key, pad text default repeat('x', 200), name text) partition by range (id);
create table users_0 partition of users default with (autovacuum_enabled = off);
create table users_1 partition of users for values from (0) to (100000) with (autovacuum_enabled = off);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i`)
    const { told, begin } = await filling(database)
    await begin()
    const totals = told.filter(({ rowsDone }) => rowsDone > 0).map(({ rowsTotal }) => rowsTotal)
    expect(totals.length).toBeGreaterThan(4)
    for (const total of totals) expect(Math.abs(total - ROWS) / ROWS).toBeLessThan(0.2)
  })
})
