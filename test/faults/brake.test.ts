import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { openBellows, openSignals } from '../../src/compose.ts'
import type { Braked, Notice } from '../../src/core/run/event.ts'
import { DEFAULT_BRAKE } from '../../src/default-brake.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, shopDatabase, type TestDatabase } from '../support/database.ts'
import { instance } from '../support/http.ts'
import { startServer } from '../support/own-server.ts'
import { rename } from '../support/rename.ts'
import { startPair } from '../support/standby.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const ROWS = 20_000
const USERS = `create table users (id int primary key, name text not null);
insert into users select i, repeat('x', 200) || i from generate_series(1, ${ROWS}) i; analyze users`

/** What the brake has told so far, the last of it first. */
function listening() {
  const notices: Notice[] = []
  const braked = () => notices.filter((one): one is Braked => one.type === 'braked')
  return {
    notices,
    onNotice: (notice: Notice) => void notices.push(notice),
    last: () => braked().at(-1),
    /** It tells that in the end; what comes before may be a slow answer of a busy machine. */
    says: (because: unknown) =>
      expect.poll(() => braked().at(-1)?.because, { timeout: 20_000 }).toContainEqual(because),
    isPaused: () => expect.poll(() => braked().at(-1)?.pace, { timeout: 20_000 }).toBe('pause'),
  }
}

const moment = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Longer than a look and a batch take: what does not change meanwhile stands still. */
const A_WHILE_MS = 1_000

async function client(url: string): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: url })
  session.on('error', () => undefined)
  await session.connect()
  cleanUp(() => session.end().catch(() => undefined))
  return session
}

test('a standby that does not replay pauses the backfill, which goes on when it does', async () => {
  const { primary, standby } = await startPair()
  const [shop, replica] = [await client(primary.url), await client(standby.url)]
  await shop.query(USERS)
  const { onNotice, last, isPaused } = listening()
  const bellows = await openBellows({
    database: primary.url,
    settings: { batch: { rows: 100 }, brake: { replayLagMs: 1_000, replayLagBytes: 100_000 } },
    onNotice,
  })
  cleanUp(() => bellows.close())
  const filled = async () => Number((await shop.query('select count(full_name) from users')).rows[0]?.count)

  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await replica.query('select pg_wal_replay_pause()')
  const running = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await isPaused()
  expect(last()?.because).toContainEqual(
    expect.stringMatching(/^the standby ".+" (replays .+ behind|has .+ to replay) \(limit /),
  )
  const before = await filled()
  await moment(A_WHILE_MS)
  expect(await filled()).toBe(before)
  expect(before).toBeLessThan(ROWS)

  await replica.query('select pg_wal_replay_resume()')
  await running
  expect(await filled()).toBe(ROWS)

  // How a standby follows is hidden from an ordinary role, and that is no good news.
  await shop.query('create role plain login')
  const signals = openSignals(
    { url: primary.url.replace('//postgres@', '//plain@'), application: 'bellows/test' },
    DEFAULT_BRAKE,
  )
  cleanUp(() => signals.close())
  const look = async () => {
    const table = { namespace: 'public', name: 'users' }
    return (await signals.look({ run: 1, table, signals: ['replicas'] })).readings.replicas
  }
  expect(await look()).toEqual({
    unread: 'the role may not see how they follow: grant pg_read_all_stats to it',
  })
  await shop.query('grant pg_read_all_stats to plain')
  expect(await look()).toMatchObject({ value: [{ isHidden: false }] })
})

test('a standby that has frozen pauses the backfill, though the last time that it told was a short one', async () => {
  const { primary, standby } = await startPair()
  const [shop, replica] = [await client(primary.url), await client(standby.url)]
  await shop.query(USERS)
  const { onNotice, last, isPaused } = listening()
  const bellows = await openBellows({
    database: primary.url,
    settings: { batch: { rows: 100 }, brake: { replayLagMs: 600_000, replayLagBytes: 1_000_000 } },
    onNotice,
  })
  cleanUp(() => bellows.close())
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await bellows.throttle(id, { share: 0.1 })
  const running = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  const lag = async () => (await shop.query('select replay_lag from pg_stat_replication')).rows[0]?.replay_lag
  const [{ pid }] = (await replica.query('select pid from pg_stat_wal_receiver')).rows
  cleanUp(async () => void process.kill(pid, 'SIGCONT'))
  // No time is known of a standby that has replayed all: it has to freeze while one is.
  const isFrozen = async () => {
    process.kill(pid, 'SIGSTOP')
    if ((await lag()) !== null) return true
    process.kill(pid, 'SIGCONT')
    return false
  }
  await expect.poll(isFrozen, { timeout: 20_000 }).toBe(true)
  await bellows.throttle(id, { share: 1 })
  await isPaused()
  expect(last()?.because).toEqual([expect.stringMatching(/^the standby ".+" has .+ to replay \(limit /)])
  process.kill(pid, 'SIGCONT')
  await running
  expect((await shop.query('select count(full_name)::int from users')).rows).toEqual([{ count: ROWS }])
})

/** Every commit of this server can be had to wait. */
test('commits that take long pause the backfill, which goes on when they do not', async () => {
  const DELAY_MS = 100
  const { url } = await startServer({ fsync: 'on', synchronous_commit: 'on' })
  const shop = await client(url)
  await shop.query(USERS)
  const { onNotice, last } = listening()
  const bellows = await openBellows({
    database: url,
    settings: { batch: { rows: 100 }, brake: { commitMs: 0.8 * DELAY_MS } },
    onNotice,
  })
  cleanUp(() => bellows.close())
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  const delayed = async (ms: number) => {
    await shop.query('alter system set commit_siblings = 0')
    await shop.query(`alter system set commit_delay = ${ms * 1_000}`)
    await shop.query('select pg_reload_conf()')
  }
  await bellows.throttle(id, { share: 0.1 })
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect.poll(() => last()?.pace, { timeout: 20_000 }).toBe('slower')
  await delayed(DELAY_MS)
  await expect.poll(last, { timeout: 20_000 }).toMatchObject({
    pace: 'pause',
    because: expect.arrayContaining([expect.stringMatching(/^a commit takes .+ \(limit 80 ms\)$/)]),
  })
  await delayed(0)
  await bellows.throttle(id, { share: 1 })
  await filling
  expect((await shop.query('select count(full_name)::int from users')).rows).toEqual([{ count: ROWS }])
})

describe('a backfill by two workers', () => {
  async function begun(settings: object = {}) {
    const database = await shopDatabase(USERS)
    const { onNotice, ...heard } = listening()
    const bellows = await database.bellows({
      settings: { batch: { rows: 100, workers: 2 }, brake: settings },
      onNotice,
    })
    const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const go = (until: 'backfill' | 'verify') => bellows.change((driver) => driver.advance(MIGRATION, until))
    return { database, bellows, id, go, ...heard }
  }

  const filled = async (database: TestDatabase) => {
    const [row] = await database.query<{ count: string }>('select count(full_name) from users')
    return Number(row?.count)
  }
  const compared = async (bellows: Bellows) =>
    (await bellows.checkpoint(`${MIGRATION.name}/verify/1`))?.rowsDone ?? 0

  test('stands still and goes on as it is asked, and so does the comparison of all rows', async () => {
    const { database, bellows, id, go, isPaused, last } = await begun()
    // From elsewhere: no driver is needed, and none is waited for.
    const other = await database.bellows({ actor: { user: 'ann', host: 'desk', tool: 'bellows/test' } })
    await other.throttle(id, { share: 0.3, forMs: 3_600_000 })
    const filling = go('backfill')
    await expect.poll(() => last()?.pace, { timeout: 20_000 }).toBe('slower')
    await other.throttle(id, { share: 0, reason: 'the sale' })
    await isPaused()
    expect(last()).toMatchObject({ because: ['paused by ann: the sale'] })
    // Whoever comes to help hears it of the driver.
    const heard: Notice[] = []
    const helper = await database.bellows({
      onNotice: (notice) => void heard.push(notice),
      settings: { batch: { rows: 100 } },
    })
    const helping = helper.work({ once: true })
    await expect
      .poll(() => heard.at(-1), { timeout: 20_000 })
      .toMatchObject({
        type: 'waiting_for_backfill',
        because: '0001_test/backfill/1 is paused: paused by ann: the sale',
      })
    await expect
      .poll(() => other.brake(id), { timeout: 20_000 })
      .toEqual({ pace: 'pause', because: ['paused by ann: the sale'] })
    const before = await filled(database)
    await moment(A_WHILE_MS)
    expect(await filled(database)).toBe(before)
    expect(before).toBeLessThan(ROWS)
    await other.throttle(id, { share: 1 })
    await filling
    await helping
    expect(await filled(database)).toBe(ROWS)

    await other.throttle(id, { share: 0, forMs: 3_000 })
    const comparing = go('verify')
    await isPaused()
    await moment(A_WHILE_MS)
    expect(await compared(bellows)).toBe(0)
    await comparing
    expect((await bellows.audit()).map((entry) => ('throttle' in entry ? entry.throttle : entry))).toEqual([
      { share: 0.3, until: expect.any(String) },
      { share: 0 },
      { share: 1 },
      { share: 0, until: expect.any(String) },
    ])
    await expect(other.throttle(id, { share: 2 })).rejects.toMatchObject({ code: 'config_invalid' })
  })

  test('has as many workers as it is asked for, more and fewer, while it runs', async () => {
    const { database, bellows, id, go } = await begun()
    const other = await database.bellows()
    // The driver works on a session of its own.
    const beside = async () => {
      const [row] = await database.query<{ count: number }>(
        `select count(*)::int from pg_stat_activity where datname = current_database() and application_name like '% worker'`,
      )
      return row?.count
    }
    const asked = async (workers: number) => {
      // Slow enough to be at work for as long as it takes.
      await other.throttle(id, { share: 0.1, workers })
      await expect.poll(beside, { timeout: 20_000 }).toBe(workers - 1)
      expect(await filled(database)).toBeLessThan(ROWS)
    }
    await bellows.throttle(id, { share: 0.1 })
    const filling = go('backfill')
    await expect.poll(beside, { timeout: 20_000 }).toBe(1)
    await asked(4)
    await asked(1)
    await asked(3)
    await other.throttle(id, { share: 1 })
    await filling
    expect(await filled(database)).toBe(ROWS)
  })

  test('tries no batch again that somebody else is in the way of while it is paused', async () => {
    const { database, bellows, id, go, isPaused, notices } = await begun()
    const writer = await database.session('writer')
    await writer.query('begin; select from users where id = 1 for update')
    const waits = () => notices.filter(({ type }) => type === 'waiting_for_lock').length
    const filling = go('backfill')
    await expect.poll(waits, { timeout: 20_000 }).toBeGreaterThan(0)
    await bellows.throttle(id, { share: 0 })
    await isPaused()
    await moment(A_WHILE_MS)
    const before = waits()
    await moment(3 * A_WHILE_MS)
    expect(waits()).toBe(before)
    await writer.query('commit')
    await bellows.throttle(id, { share: 1 })
    await filling
    expect(await filled(database)).toBe(ROWS)
  })

  test('stands still while a check says no, and when it says nothing any more', async () => {
    let status = 503
    const { port } = await instance((_asked, response) => {
      if (status > 0) response.writeHead(status).end()
    })
    const url = `http://127.0.0.1:${port}/`
    const { database, bellows, id, go, says, last } = await begun({
      pollMs: 100,
      blindMs: 1_500,
      checkTimeoutMs: 1_000,
      checks: [{ name: 'apdex', http: url }],
    })
    // Slow enough to be at work when something happens.
    await bellows.throttle(id, { share: 0.1 })
    const filling = go('backfill')
    await says(`the check "apdex" says no: ${url} answers 503`)
    expect(await filled(database), 'no batch begins unseen').toBe(0)
    status = 200
    await expect.poll(() => last()?.pace, { timeout: 20_000 }).toBe('slower')
    status = 0
    await says(expect.stringMatching(/^the check "apdex" cannot be read: /))
    expect(last()?.pace).toBe('pause')
    expect(await filled(database)).toBeLessThan(ROWS)
    status = 200
    await bellows.throttle(id, { share: 1 })
    await filling
    expect(await filled(database)).toBe(ROWS)
  })

  test('that could not be read lets no run begin, and tells what mends it', async () => {
    const database = await shopDatabase(USERS)
    await database.query('revoke select on pg_stat_archiver from public')
    const bellows = await database.bellows()
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'expand'))).rejects.toMatchObject({
      code: 'plan_refused',
      message:
        'The backfill would stand still: the archive of the log cannot be read: Permission denied for view pg_stat_archiver; to do without: brake.archiveFiles: off.',
    })
    expect(await bellows.runs()).toEqual([])
    const without = await database.bellows({ settings: { brake: { archiveFiles: 'off' } } })
    await without.change((driver) => driver.advance(MIGRATION, 'expand'))
  })

  test('stands still while its query is broken, and when a right is taken away', async () => {
    const { database, bellows, id, go, says, last } = await begun({
      pollMs: 100,
      blindMs: 1_500,
      checks: [{ name: 'calm', sql: 'select calm from weather' }],
    })
    await database.query(
      'create table weather (calm boolean); insert into weather values (true); grant select on weather to public',
    )
    // Slow enough to be at work when something happens.
    await bellows.throttle(id, { share: 0.1 })
    const filling = go('backfill')
    await database.query('revoke select on pg_stat_archiver from public')
    await says(
      'the archive of the log cannot be read: Permission denied for view pg_stat_archiver; to do without: brake.archiveFiles: off',
    )
    await database.query('grant select on pg_stat_archiver to public')
    await expect.poll(() => last()?.pace, { timeout: 20_000 }).toBe('slower')
    await database.query('alter table weather rename to climate')
    await says('the check "calm" cannot be read: Relation "weather" does not exist')
    expect(await filled(database)).toBeLessThan(ROWS)
    await database.query('alter table climate rename to weather')
    await bellows.throttle(id, { share: 1 })
    await filling
    expect(await filled(database)).toBe(ROWS)
  })
})
