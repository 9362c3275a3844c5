import { describe, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { killedDriver } from './killed-driver.ts'
import { MIGRATION, SETTINGS, table, UNLIKE } from './wide-rows.ts'

const ROWS = 4_000
/** Each row takes two milliseconds, so that a test can step in. */
const PARTED = `
create table users (id int not null, pad text default repeat('x', 200), name text not null) partition by range (id);
create table users_a partition of users for values from (minvalue) to (${ROWS + 1});
create table users_b partition of users for values from (${ROWS + 1}) to (maxvalue);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS + 100}) i; analyze users;
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.002); return new; end $$;
create trigger slow before update on users for each row execute function slow()`

const untilDriven = { timeout: 60_000 }

describe('a worker', () => {
  test('goes on with a partition that is renamed under it and under the driver', untilDriven, async () => {
    const database = await testDatabase(PARTED)
    const told: string[] = []
    let isOver = false
    const worker = await database.bellows({
      settings: SETTINGS,
      isStopping: () => isOver,
      onNotice: (notice) => void (notice.type === 'working_on' && told.push(notice.table)),
    })
    const driver = await database.bellows({ settings: SETTINGS })
    await driver.install()
    const working = worker.work()
    const driving = driver.change((one) => one.advance(MIGRATION, 'backfill'))
    await expect.poll(() => told, { timeout: 20_000 }).toContain('users_a')

    await database.query('alter table users_a rename to a')

    await driving
    isOver = true
    expect((await working).rows).toBeGreaterThan(0)
    expect(told).toContain('a')
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test.each([
    ['dropped', 'drop table users_a'],
    ['renamed', 'alter table users_a rename to a'],
  ])(
    'that is to work once ends where the partition was %s that a killed driver was at',
    async (_what, statement) => {
      const database = await testDatabase(PARTED)
      await killedDriver(database)
      await database.query(statement)
      const worker = await database.bellows({ settings: SETTINGS })
      expect(await worker.work({ once: true })).toEqual({ rows: 0, steps: [] })
    },
  )

  test('rests there, and says why', async () => {
    const database = await testDatabase(PARTED)
    await killedDriver(database)
    await database.query('drop table users_a')
    const told: string[] = []
    let isOver = false
    const worker = await database.bellows({
      settings: SETTINGS,
      isStopping: () => isOver,
      onNotice: (notice) => void (notice.type === 'waiting_for_backfill' && told.push(notice.because)),
    })
    const working = worker.work()
    await expect.poll(() => told, { timeout: 20_000 }).toHaveLength(1)
    expect(told[0]).toContain('the partition "users_a" was dropped or renamed')
    isOver = true
    await working
  })

  test('ends at a table that a trigger needs and that is not there', async () => {
    const database = await testDatabase(table())
    await killedDriver(database)
    await database.query(`
create function noted() returns trigger language plpgsql as $$ begin insert into missing values (new.id); return new; end $$;
create trigger noted before update on users for each row execute function noted()`)
    const worker = await database.bellows({ settings: SETTINGS })
    await expect(worker.work({ once: true })).rejects.toThrow('missing')
  })
})
