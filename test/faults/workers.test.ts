import { describe, expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { Notice } from '../../src/index.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { sessionOn, startServer } from '../support/own-server.ts'
import { startWorkload, workSome } from '../support/workload.ts'
import { MIGRATION, SETTINGS, STEP, UNLIKE } from './wide-rows.ts'

const ROWS = 6_000
/** Some two hundred blocks: enough for a ladder. */
const TABLE = `
create table users (id int primary key, pad text default repeat('x', 200), name text not null, seen int default 0);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i;
create index on users (pad); analyze users`

/** So that a test can step in. */
const SLOW = `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return null; end $$;
  create trigger slow before update on users for each statement execute function slow()`

const settings = (workers: number) => ({ ...SETTINGS, batch: { ...SETTINGS.batch, workers, rows: 40 } })

const SIZES = `select pg_relation_size('users')::int as table, pg_relation_size('users_pad_idx')::int as index,
  pg_stat_get_tuples_hot_updated('users'::regclass)::int as hot, pg_stat_get_tuples_updated('users'::regclass)::int as updated`

const ranges = async (database: TestDatabase) =>
  (
    await database.query<{ left: number; done: number }>(
      `select count(*) filter (where next_rung < rungs)::int as left, coalesce(sum(rows_done), 0)::int as done from bellows.backfill_range`,
    )
  )[0] ?? { left: 0, done: 0 }

describe('several workers', () => {
  test('fill each row once, and say what that takes', async () => {
    const database = await testDatabase(TABLE)
    const told: Notice[] = []
    const bellows = await database.bellows({ settings: settings(4), onNotice: (notice) => told.push(notice) })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const last = told.findLast((notice) => notice.type === 'progress' && notice.growth !== undefined)
    expect(last).toMatchObject({ logBytes: expect.any(Number), growth: expect.any(Number) })
    if (last?.type === 'progress') {
      expect(last.logBytes, 'a row is not set for less').toBeGreaterThan(ROWS * 30)
      expect(last.growth).toBeGreaterThanOrEqual(1)
    }
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
    expect(await ranges(database)).toEqual({ left: 0, done: 0 })
  })

  test('lose nothing to writers, nor fail them', async () => {
    const database = await testDatabase(TABLE)
    const bellows = await database.bellows({ settings: settings(3) })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const some = `1 + ($1::bigint * 7919) % ${ROWS}`
    const statements = [
      `insert into users (id, name) values (100000 + $1, 'new ' || $1)`,
      `update users set seen = seen + 1 where id = ${some}`,
      `update users set name = name || '.' where id = ${some}`,
      `update users set id = -id where id = ${some}`,
      `delete from users where id = 100000 + $1 - 7`,
    ]
    const workload = await startWorkload(
      database,
      ['one', 'two', 'three'].map((name) => ({ name, statements })),
    )
    await workSome(workload)

    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))

    expect(await workload.stop()).toEqual([])
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test('of whom one loses its session: what all have finished stays done, and is not done again', async () => {
    const database = await testDatabase(TABLE, SLOW)
    const bellows = await database.bellows({ settings: { ...settings(3), driver: { reconnectsMax: 0 } } })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const filling = bellows
      .change((driver) => driver.advance(MIGRATION, 'backfill'))
      .catch((error: unknown) => error)
    await expect.poll(async () => (await ranges(database)).done).toBeGreaterThan(ROWS / 10)
    await database.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like 'begin;%with claimed%' limit 1`)
    expect(await filling).toMatchObject({ code: 'connection_lost' })
    const [{ filled } = { filled: 0 }] = await database.query<{ filled: number }>(
      'select count(*)::int as filled from users where full_name is not null',
    )
    expect(filled).toBeLessThan(ROWS)
    expect((await bellows.checkpoint(STEP))?.rowsDone, 'a batch and its count are one').toBe(filled)

    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))

    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
  })

  test('replace one whose session is lost, and wait for one that is at work on the last range', async () => {
    const database = await testDatabase(TABLE, SLOW)
    const bellows = await database.bellows({ settings: settings(2) })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const other = await database.session()
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await expect.poll(async () => (await ranges(database)).done).toBeGreaterThan(0)
    const epoch = await database.query('select epoch from bellows.driver')
    const ended = await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like '% worker'`,
    )
    expect(ended).toHaveLength(1)
    await other.query(
      `begin; select from bellows.backfill_range where next_rung < rungs order by from_block desc limit 1 for update`,
    )
    await expect.poll(async () => (await ranges(database)).left).toBe(1)
    await other.query('commit')
    await filling
    expect(await database.query('select epoch from bellows.driver'), 'the driver went on').toEqual(epoch)
    expect(await database.query(UNLIKE)).toEqual([])
  })
})

/** Notes each rung in the order in which they are done. */
const CLIMBED = `
create table climbed (at serial, from_block bigint, to_block bigint, rung int);
create function note_rung() returns trigger language plpgsql as $$ begin
  insert into public.climbed (from_block, to_block, rung) values (old.from_block, old.to_block, old.next_rung); return null; end $$;
create trigger note_rung after update of next_rung on bellows.backfill_range for each row when (old.next_rung < new.next_rung) execute function note_rung()`

/** Rungs that were done before the range behind had done the one below. */
const EARLY = `
select c.from_block, c.rung from climbed c
  where c.rung > 0 and (select count(*) from climbed b where b.from_block = c.to_block and b.at < c.at) < c.rung`

/** Whoever writes anywhere on a server, also in another database, keeps dead versions from being pruned meanwhile: so it has a server of its own. */
test('new versions of rows find room on their own block: neither the table nor its indexes grow as by one large statement', async () => {
  const { url } = await startServer({ autovacuum: 'off' })
  const session = await sessionOn(url)
  await session.query(TABLE)
  await session.query(
    `insert into users (id, name) select i, 'user ' || i from generate_series(${ROWS + 1}, ${4 * ROWS}) i`,
  )
  await session.query('analyze users')
  const sizes = async () => (await session.query(SIZES)).rows[0]
  const bellows = await openBellows({ database: url, application: 'bellows/test', settings: settings(1) })
  cleanUp(() => bellows.close())
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await session.query(CLIMBED)
  const before = await sizes()
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect
    .poll(async () => (await sizes()).updated, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(before.updated + 4 * ROWS)
  const after = await sizes()
  expect(after.table / before.table, 'one statement doubles it').toBeLessThan(1.4)
  expect(after.index / before.index).toBeLessThan(1.2)
  expect((after.hot - before.hot) / (after.updated - before.updated)).toBeGreaterThan(0.6)

  // At the end of the file there is nothing else to do than what would better wait.
  expect((await session.query(`${EARLY} and c.from_block < ${before.table / 8192 / 2}`)).rows).toEqual([])
  expect((await session.query('select max(rung) as last from climbed')).rows).toEqual([{ last: 7 }])
})

test('a table that is rewritten while several are at work is begun anew', async () => {
  const database = await testDatabase(TABLE, SLOW)
  const bellows = await database.bellows({ settings: settings(3) })
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await database.query(`delete from users where id <= ${ROWS / 2}`)
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect.poll(async () => (await ranges(database)).done).toBeGreaterThan(0)
  await database.query('vacuum full users')
  await filling
  expect(await database.query(UNLIKE)).toEqual([])
})

test('while somebody keeps dead versions from being pruned it goes in plain ranges, says why, and climbs again behind that', async () => {
  const database = await testDatabase(TABLE)
  const told: string[] = []
  let isStopping = false
  const opened = (horizonMs: number) =>
    database.bellows({
      settings: { ...settings(1), batch: { ...settings(1).batch, horizonMs } },
      isStopping: () => isStopping,
      onNotice: (notice) => {
        if (notice.type === 'plain_ranges') told.push(notice.because)
        isStopping ||= notice.type === 'progress'
      },
    })
  const rungs = () => database.query('select distinct rungs from bellows.backfill_range order by 1')
  const report = await database.session('a report')
  await report.query('begin isolation level repeatable read')
  await report.query('select 1 from pg_class limit 1')

  const held = await opened(1)
  await expect(held.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
    code: 'interrupted',
  })
  expect(await rungs()).toEqual([{ rungs: 1 }])
  expect(told).toEqual([
    // Or somebody who was there before, on a server that other tests work on, too.
    expect.stringMatching(/^.+ keeps dead versions of rows from being pruned$/),
  ])
  expect(await held.filling()).toMatchObject({ heldBy: expect.any(String) })

  await report.query('commit')
  const free = await opened(60_000)
  while ((await rungs()).length === 1) {
    isStopping = false
    await free.change((driver) => driver.advance(MIGRATION, 'backfill')).catch(() => undefined)
  }
  expect(await rungs()).toEqual([{ rungs: 1 }, { rungs: 8 }])
  expect((await free.filling())?.heldBy).toBeUndefined()
  const rest = await database.bellows({ settings: settings(1) })
  await rest.change((driver) => driver.advance(MIGRATION, 'backfill'))
  expect(await database.query(UNLIKE)).toEqual([])
})
