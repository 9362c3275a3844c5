import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startEmbedded } from '../../../src/adapters/postgres/embedded/start.ts'
import { openSessions } from '../../../src/adapters/postgres/sessions.ts'
import { postgresSignals } from '../../../src/adapters/postgres/signals.ts'
import { openSignals } from '../../../src/compose.ts'
import { signalsFor } from '../../../src/core/throttle/decide.ts'
import type { SignalName } from '../../../src/core/throttle/readings.ts'
import { DEFAULT_BRAKE } from '../../../src/default-brake.ts'
import { cleanUp, shopDatabase, type TestDatabase, testDatabase } from '../../support/database.ts'
import { fastPlace } from '../../support/fast-place.ts'
import { matrixBinaries } from '../../support/matrix.ts'
import { sessionOn, startServer } from '../../support/own-server.ts'
import { startProxy } from '../../support/proxy.ts'

const TABLE = 'create table users (id int primary key, name text); insert into users values (1)'
const ALL = signalsFor({ ...DEFAULT_BRAKE, activeBackends: 100 }, true)

/** Looks as a process of Bellows does that is at work on `users`. */
function looking(url: string, signals: readonly SignalName[] = ALL) {
  const reader = openSignals({ url, application: 'bellows/test' }, DEFAULT_BRAKE)
  cleanUp(() => reader.close())
  const look = async () =>
    (await reader.look({ run: 1, table: { namespace: 'public', name: 'users' }, signals })).readings
  return look
}

const installed = async (made: Promise<TestDatabase>): Promise<TestDatabase> => {
  const database = await made
  await (await database.bellows()).install()
  return database
}

test('an ordinary role reads all signals of a server that is at rest', async () => {
  const database = await installed(shopDatabase(TABLE))
  expect(await looking(database.url)()).toEqual({
    replicas: { value: [] },
    slots: { value: [] },
    archive: { value: null },
    waits: { value: [] },
    vacuum: { value: [] },
    rows: { value: { dead: expect.any(Number), live: expect.any(Number) } },
    // Whoever writes in another database of the server is among them.
    horizon: { value: expect.any(Array) },
    commit: { value: expect.any(Number) },
    backends: { value: expect.any(Number) },
    asked: { value: null },
    // Where the server has its files is hidden from it.
    disk: { value: { freeBytes: null, hidden: 0 } },
  })
})

test('a session that ends between the measured commit and the question for it is a lost connection, not a signal that cannot be read', async () => {
  const database = await installed(testDatabase(TABLE))
  const sessions = openSessions({ url: database.url, application: 'bellows/test' })
  cleanUp(() => sessions.close())
  let isEnding = true
  const ending: typeof sessions = {
    ...sessions,
    send: async (text) => {
      const answer = await sessions.send(text)
      if (isEnding)
        await database.query(
          `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'bellows/test' and datname = current_database()`,
        )
      isEnding = false
      return answer
    },
  }
  const { look } = postgresSignals(ending, sessions)
  const asked = {
    run: 1,
    table: { namespace: 'public', name: 'users' },
    signals: ['commit', 'slots'],
  } as const

  await expect(look(asked)).rejects.toMatchObject({ code: 'connection_lost' })
  expect(await look(asked)).toMatchObject({ readings: { commit: { value: expect.any(Number) } } })
})

test('who waits for a session of ours is seen, and who waits for another one is not', async () => {
  const database = await installed(shopDatabase(TABLE))
  const look = looking(database.url, ['waits'])
  const begin = 'begin; update users set name = name where id = 1'
  const [ours, other] = [await database.session('bellows/0 backfill'), await database.session('shop')]
  const { rows } = await other.query<{ pid: number }>('select pg_backend_pid() as pid')

  await ours.query(begin)
  const waiting = other.query(begin)
  await expect
    .poll(look, { timeout: 20_000 })
    .toEqual({ waits: { value: [{ pid: rows[0]?.pid, ms: expect.any(Number) }] } })
  await ours.query('rollback')
  await waiting
  expect(await look(), 'it has what it waited for').toEqual({ waits: { value: [] } })

  const third = await database.session('shop too')
  const behind = third.query(begin)
  await expect
    .poll(
      () =>
        database.query("select from pg_locks where not granted and waitstart < now() - interval '100 ms'"),
      {
        timeout: 20_000,
      },
    )
    .toHaveLength(1)
  expect(await look()).toEqual({ waits: { value: [] } })
  await other.query('rollback')
  await behind
})

test('who is in a transaction and what keeps dead rows is seen, also of other roles', async () => {
  const database = await installed(shopDatabase(TABLE))
  const look = looking(database.url, ['horizon', 'backends'])
  const reader = await database.session('report', 'postgres')
  // Whoever writes in another database of the server is among them, and of those that keep the same one is named: so it begins anew.
  const held = async () => {
    await reader.query('rollback; begin isolation level repeatable read; select from users')
    return (await look()).horizon
  }
  await expect.poll(held, { timeout: 10_000 }).toEqual({
    value: expect.arrayContaining([
      {
        who: expect.stringMatching(/^pid \d+ \(report, user postgres\)$/),
        key: expect.any(String),
        ms: null,
        age: expect.any(Number),
      },
    ]),
  })
  const found = await look()
  expect(found.backends).toEqual({ value: expect.toSatisfy((count: number) => count >= 1) })
  await reader.query('rollback')

  const superuser = await testDatabase(TABLE)
  await superuser.query('begin')
  await superuser.query('insert into users values (2)')
  await superuser.query(`prepare transaction '${superuser.name}'`)
  cleanUp(async () => void (await superuser.query(`rollback prepared '${superuser.name}'`)))
  expect((await looking(superuser.url, ['horizon'])()).horizon).toMatchObject({
    value: expect.arrayContaining([
      expect.objectContaining({
        who: `the prepared transaction '${superuser.name}'`,
        ms: expect.any(Number),
      }),
    ]),
  })
})

test('dead versions of rows are seen where a vacuum comes for them by itself', async () => {
  const { url } = await startServer({ autovacuum_naptime: '1h' })
  const main = await sessionOn(url)
  await main.query(TABLE)
  await main.query('update users set name = name')
  const look = looking(url, ['rows'])
  await expect
    .poll(
      async () => {
        // A session hands in what it has counted when it does something else a while later.
        await main.query('select')
        return (await look()).rows
      },
      { timeout: 20_000, interval: 300 },
    )
    .toEqual({ value: { dead: 1, live: expect.any(Number) } })
  await main.query('alter table users set (autovacuum_enabled = false)')
  expect(await look()).toEqual({ rows: { value: { dead: 0, live: 1 } } })
})

test('a vacuum of the table is seen, and the word that counts', async () => {
  const database = await installed(shopDatabase(TABLE))
  const look = looking(database.url, ['vacuum', 'asked'])
  // A page that is pinned for a cursor stops a vacuum that prevents wraparound while it is at work.
  const [holder, cleaner] = [await database.session('shop'), await database.session('admin', 'postgres')]
  await holder.query('begin; declare c cursor for select * from users; fetch 1 from c')
  const vacuum = cleaner.query('vacuum (freeze, disable_page_skipping) users')
  await expect
    .poll(async () => (await look()).vacuum, { timeout: 20_000 })
    .toEqual({ value: [{ table: 'users', preventsWraparound: false }] })
  await holder.query('rollback')
  await vacuum

  await database.query(`insert into bellows.run (migration, plan, plan_hash) values ('m', '{}', '')`)
  const ask = (share: number, until = 'null') =>
    database.query(
      `insert into bellows.throttle (run, actor, share, until, reason) values (1, '{"user": "ann"}', ${share}, ${until}, 'sale')`,
    )
  await ask(0.2)
  await ask(0.5)
  const asked = { share: 0.5, workers: null, by: 'ann', reason: 'sale', until: null }
  expect((await look()).asked).toEqual({ value: asked })
  await ask(0, `now() + interval '1 hour'`)
  expect((await look()).asked).toEqual({ value: { ...asked, share: 0, until: expect.any(String) } })
  await ask(0, 'now()')
  expect((await look()).asked, 'what is over brings nothing back').toEqual({ value: null })
})

test('what is refused is told of the signal alone, with the reason', async () => {
  const database = await installed(shopDatabase(TABLE))
  const look = looking(database.url, ['archive', 'backends', 'commit'])
  expect((await look()).archive).toEqual({ value: null })
  await database.query('revoke select on pg_stat_archiver from public')
  expect(await look()).toEqual({
    archive: { unread: 'Permission denied for view pg_stat_archiver.' },
    backends: { value: expect.any(Number) },
    commit: { value: expect.any(Number) },
  })
  await database.query('drop table bellows.meta')
  expect((await look()).commit).toEqual({ unread: 'Relation "bellows.meta" does not exist.' })
})

test('an archiver that gets on or fails, and a slot that keeps the log, are seen', async () => {
  const folder = mkdtempSync(path.join(fastPlace(), 'bellows-archive-'))
  cleanUp(async () => rmSync(folder, { recursive: true }))
  // A server that must not run as root has another user.
  chmodSync(folder, 0o755)
  const full = path.join(folder, 'full')
  const binaries = matrixBinaries()
  const server = await startEmbedded({
    settings: { archive_mode: 'on', archive_command: `test ! -e ${full}`, max_slot_wal_keep_size: '1GB' },
    ...(binaries === undefined ? {} : { binaries }),
  })
  cleanUp(() => server.stop())
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  cleanUp(() => admin.end())
  const look = looking(server.url, ['archive', 'slots'])
  await admin.query(`create table users (id int); select pg_create_physical_replication_slot('left', true)`)
  const fillFile = async () => {
    await admin.query('insert into users values (1)')
    await admin.query('select pg_switch_wal()')
  }
  await fillFile()
  await expect
    .poll(async () => (await look()).archive, { timeout: 20_000 })
    .toEqual({ value: { isFailing: false, failed: null, waiting: 0 } })

  writeFileSync(full, '')
  await fillFile()
  await fillFile()
  await expect
    .poll(async () => (await look()).archive, { timeout: 20_000 })
    .toEqual({ value: { isFailing: true, failed: expect.stringMatching(/^[0-9A-F]{24}$/), waiting: 2 } })
  expect((await look()).slots).toEqual({
    value: [
      {
        name: 'left',
        keptBytes: expect.toSatisfy((kept: number) => kept > 1_000_000),
        safeBytes: expect.toSatisfy((safe: number) => safe > 1_000_000),
      },
    ],
  })
})

test('a way that is cut without a word is left, and another one is taken', { timeout: 60_000 }, async () => {
  const database = await installed(testDatabase(TABLE))
  const proxy = await startProxy(database.url)
  const look = looking(proxy.url, ['rows'])
  expect(await look()).toMatchObject({ rows: { value: {} } })
  proxy.goSilent()
  expect(await look()).toMatchObject({ rows: { value: {} } })
})

test('a check of the user is asked by another way, too, when its own is cut without a word', {
  timeout: 60_000,
}, async () => {
  const database = await testDatabase()
  const proxy = await startProxy(database.url)
  const reader = openSignals({ url: proxy.url, application: 'bellows/test' }, DEFAULT_BRAKE)
  cleanUp(() => reader.close())
  const ask = () => reader.ask({ name: 'true', sql: 'select true' }, DEFAULT_BRAKE.checkTimeoutMs)
  expect(await ask()).toMatchObject({ outcome: 'pass' })
  proxy.goSilent()
  expect(await ask(), 'nothing is said of it').toMatchObject({ outcome: 'unknown' })
  expect(await ask()).toMatchObject({ outcome: 'pass' })
})
