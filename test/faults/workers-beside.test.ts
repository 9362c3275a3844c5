import { on } from 'node:events'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { Notice } from '../../src/index.ts'
import { workplace } from '../support/cli.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { startServer } from '../support/own-server.ts'
import { MIGRATION, SETTINGS, STEP, UNLIKE } from './wide-rows.ts'

const ROWS = 8_000
const BATCH = 40
/** Each batch takes its time, so that a test can step in; and what is tried counts, also where it is taken back. */
const TABLE = `
create table users (id int primary key, pad text default repeat('x', 200), name text not null);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users;
create sequence tries;
create function tried() returns trigger language plpgsql as $$ begin perform nextval('public.tries'); return null; end $$;
create trigger tried after update of full_name on users for each row execute function tried();
create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return null; end $$;
create trigger slow before update on users for each statement execute function slow()`

/** How much of the table is filled when the server dies. */
const SHARES = [0.05, 0.35, 0.65, 0.9]
/** What a sequence may skip when the server dies: it writes ahead to the log. */
const SEQUENCE_AHEAD = 32

const settings = { ...SETTINGS, batch: { ...SETTINGS.batch, rows: BATCH } }

/** With the column there, that the trigger is of. */
async function expanded(): Promise<TestDatabase> {
  const [table, triggers] = TABLE.split(/;(?=\ncreate sequence)/)
  const database = await testDatabase(table ?? '')
  const bellows = await database.bellows({ settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await database.query(triggers ?? '')
  return database
}

async function figures(database: TestDatabase) {
  const [row] = await database.query<{ filled: number; tries: number; left: number; workers: number }>(`
select (select count(*)::int from users where full_name is not null) as filled,
  (select case when is_called then last_value else 0 end::int from tries) as tries,
  (select count(*)::int from bellows.backfill_range where next_rung < rungs) as left,
  (select count(*)::int from pg_stat_activity where datname = current_database() and application_name like '%work worker') as workers`)
  return row ?? { filled: 0, tries: 0, left: 0, workers: 0 }
}

/** They wait for a backfill when this returns. */
async function startWorkers(url: string, count: number) {
  const { start } = await workplace()
  const workers = Array.from({ length: count }, () =>
    start('work', '--database', url, '--batch-size', String(BATCH)),
  )
  await Promise.all(
    workers.map(async ({ child }) => {
      for await (const chunk of on(child.stderr as Readable, 'data'))
        if (String(chunk).includes('Waiting: no backfill is under way.')) return
    }),
  )
  return workers
}

/** The driver, as a process too. */
async function startBackfill(url: string) {
  const { start, write, folder } = await workplace()
  await mkdir(path.join(folder, 'migrations'))
  await write(
    'migrations/0001_test.yaml',
    `operations:\n  - rename_column:\n      table: users\n      from: name\n      to: full_name\n`,
  )
  return start('backfill', '--database', url, '--batch-size', String(BATCH)).child
}

const workersOf = async (database: TestDatabase) => (await figures(database)).workers

const within = { timeout: 20_000 }

describe('workers in processes of their own', () => {
  test('join, leave and die at any time: no batch is lost, and one for each that dies is done again at most', async () => {
    const database = await expanded()
    const told: Notice[] = []
    const bellows = await database.bellows({ settings, onNotice: (notice) => told.push(notice) })
    const [dying, leaving, staying] = await startWorkers(database.url, 3)
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await expect.poll(() => workersOf(database), within).toBe(3)
    expect(await bellows.filling()).toMatchObject({ step: STEP, table: 'users', workers: 4 })
    const run = await bellows.run(MIGRATION.name)
    expect(await bellows.progress(run?.id ?? 0)).toMatchObject({ step: STEP, workers: 4 })
    const counts = () => told.map((notice) => (notice.type === 'progress' ? notice.workers : undefined))
    await expect.poll(counts, within).toContain(4)

    const { filled } = await figures(database)
    await expect
      .poll(async () => (await figures(database)).filled, within)
      .toBeGreaterThan(filled + 20 * BATCH)
    dying?.child.kill('SIGKILL')
    leaving?.child.kill('SIGINT')
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like '%work worker'
        and state = 'active' limit 1`,
    )
    const left = await leaving?.ended
    expect(left).toMatchObject({ code: 0, err: expect.stringContaining('Filling "users"') })
    expect(left?.out).toMatch(/^Filled [\d,]+ rows for 0001_test/)
    await filling
    staying?.child.kill('SIGINT')
    expect((await staying?.ended)?.out).toMatch(/^Filled [\d,]+ rows for 0001_test/)

    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await database.query(UNLIKE)).toEqual([])
    expect((await figures(database)).tries).toBeLessThanOrEqual(ROWS + 3 * BATCH)
    expect(await bellows.filling()).toBeUndefined()
  })

  test('go on without a driver that was killed, to the end of the table, and the next driver finds all done', async () => {
    const database = await expanded()
    const workers = await startWorkers(database.url, 2)
    const driver = await startBackfill(database.url)
    await expect.poll(() => workersOf(database), within).toBe(2)
    driver.kill('SIGKILL')
    const { filled } = await figures(database)
    expect(filled).toBeLessThan(ROWS)

    await expect.poll(async () => (await figures(database)).filled, within).toBe(ROWS)

    const bellows = await database.bellows({ settings })
    expect((await bellows.checkpoint(STEP))?.finished).toBe(false)
    await bellows.change((next) => next.advance(MIGRATION, 'verify'))
    const checkpoint = await bellows.checkpoint(STEP)
    expect(checkpoint?.rowsDone).toBe(ROWS)
    const pass = checkpoint?.state as { passNumber: number; at: { block: number } }
    expect(pass.passNumber, 'it did not fill them itself, and looks at all of them nevertheless').toBe(2)
    expect(pass.at.block).toBeGreaterThan(0)
    expect(await database.query(UNLIKE)).toEqual([])
    expect((await figures(database)).tries).toBeLessThanOrEqual(ROWS + BATCH)
    for (const { child } of workers) child.kill('SIGINT')
  })

  test('stand still when the driver dies that had checks of its own, which nobody else can ask', async () => {
    const database = await expanded()
    const workers = await startWorkers(database.url, 2)
    const brake = { checks: [{ name: 'the office', sql: 'select true' }] }
    const driver = faultyBellows(database.url, {}, { settings: { ...settings, brake } })
    void driver.bellows.change((driving) => driving.advance(MIGRATION, 'backfill')).catch(() => undefined)
    await expect.poll(() => workersOf(database), within).toBe(2)
    driver.die()
    // Two heartbeats are missing. What it was told last by its checks is void after 15 s, and nothing is to be done behind that.
    await database.query(`update bellows.heartbeat set beat_at = clock_timestamp() - interval '12 s'`)
    await expect.poll(() => workersOf(database), within).toBe(0)
    const { filled, left } = await figures(database)
    expect(left).toBeGreaterThan(0)
    // Longer than it takes them to look again.
    await sleep(1_500)
    expect(await figures(database)).toMatchObject({ filled, workers: 0 })
    for (const { child } of workers) child.kill('SIGINT')
    await driver.bellows.close()
  })

  test('outlive each end of the server, like the driver: no batch is lost that was finished, and one for each worker is done again at most', {
    timeout: 240_000,
  }, async () => {
    const server = await startServer({ restart_after_crash: 'on', synchronous_commit: 'on' })
    const bellows = await openBellows({
      database: server.url,
      settings: { ...settings, driver: { pollMs: 200 } },
    })
    cleanUp(() => bellows.close())
    const admin = async <R extends pg.QueryResultRow>(text: string) => {
      const client = new pg.Client({ connectionString: server.url })
      client.on('error', () => undefined)
      await client.connect()
      try {
        return (await client.query<R>(text)).rows
      } finally {
        await client.end()
      }
    }
    const [table, triggers] = TABLE.split(/;(?=\ncreate sequence)/)
    await admin(table ?? '')
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    // So slow that a worker is back before the driver has done all that is left.
    await admin(triggers?.replace('0.02', '0.1') ?? '')
    // Whoever fills a row again writes a new version of it.
    const filled = async () =>
      (
        await admin<{ version: string }>(
          `select id || ' by ' || xmin as version from users where full_name is not null`,
        )
      ).map(({ version }) => version)
    const [worker] = await startWorkers(server.url, 1)
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    // A server process that dies takes all others with it, and what is not in the log of the server.
    const atWork = `select pid from pg_stat_activity where application_name like '%work worker' and state = 'active'`
    for (const share of SHARES) {
      await expect.poll(async () => (await filled()).length, within).toBeGreaterThan(share * ROWS)
      await expect.poll(async () => (await admin(atWork)).length, within).toBe(1)
      const [{ pid } = { pid: 0 }] = await admin<{ pid: number }>(atWork.replace(/ and .*/, ''))
      const finished = await filled()
      process.kill(pid, 'SIGKILL')
      const there = () => admin(`select from pg_stat_activity where pid = ${pid}`).catch(() => undefined)
      await expect.poll(there, within).toEqual([])
      const kept = new Set(await filled())
      expect(finished.filter((version) => !kept.has(version))).toEqual([])
    }
    await filling
    worker?.child.kill('SIGINT')
    expect((await worker?.ended)?.code).toBe(0)
    expect((await bellows.checkpoint(STEP))?.rowsDone).toBe(ROWS)
    expect(await admin(UNLIKE)).toEqual([])
    // What a batch that the server died in has counted may be lost with it, and nothing else.
    const [{ tries } = { tries: 0 }] = await admin<{ tries: number }>(
      'select last_value::int as tries from tries',
    )
    expect(tries).toBeLessThanOrEqual(ROWS + SHARES.length * (2 * BATCH + SEQUENCE_AHEAD))
  })
})
