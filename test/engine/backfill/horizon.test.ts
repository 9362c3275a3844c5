import { expect, test } from 'vitest'
import { postgresDatabase } from '../../../src/adapters/postgres/database.ts'
import { openSessions } from '../../../src/adapters/postgres/sessions.ts'
import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import { horizon } from '../../../src/engine/backfill/horizon.ts'
import type { Engine } from '../../../src/engine/context.ts'
import { cleanUp } from '../../support/database.ts'
import { sessionOn, startServer } from '../../support/own-server.ts'

/** After so many milliseconds somebody holds it back. */
function looking(url: string, horizonMs: number): Engine {
  const target = { url, application: 'bellows/test' }
  const sessions = openSessions(target)
  cleanUp(() => sessions.close())
  const settings = { ...DEFAULT_SETTINGS, batch: { ...DEFAULT_SETTINGS.batch, horizonMs } }
  return { database: postgresDatabase(target, sessions), settings } as unknown as Engine
}

/** Others would hold it back, too, so it has a server of its own. */
test('the horizon is held back by whoever still sees or writes what was before', async () => {
  const { url } = await startServer({ max_prepared_transactions: '2', autovacuum: 'off' })
  const elsewhere = url.replace(/\/postgres(?=[?]|$)/, '/elsewhere')
  const main = await sessionOn(url)
  await main.query('create table users (id int primary key)')
  await main.query('insert into users select generate_series(1, 10)')
  await main.query('create database elsewhere')
  const engine = looking(url, 1)
  const held = async () => (await horizon(engine, [])).heldBy
  const beginning = async (at: string, name: string, isolation = '') => {
    const session = await sessionOn(at, name)
    await session.query(`begin ${isolation}`)
    return session
  }

  const idle = await beginning(url, 'nobody')
  await idle.query('select count(*) from users')
  const abroad = await beginning(elsewhere, 'a reader elsewhere', 'isolation level repeatable read')
  await abroad.query('select 1 from pg_class')
  expect(await held(), 'neither sees what is dead here').toBeNull()

  const report = await beginning(url, 'a report', 'isolation level repeatable read')
  await report.query('select count(*) from users')
  await expect.poll(held).toMatch(/^pid \d+ \(a report, user \w+\)$/)
  expect(await horizon(looking(url, 60_000), []), 'not for long').toMatchObject({ heldBy: null })
  await report.query('commit')
  await expect.poll(held).toBeNull()

  const writer = await beginning(elsewhere, 'a writer elsewhere')
  await writer.query('create table notes ()')
  // Every snapshot of the server leaves room for it.
  await expect.poll(held).toMatch(/\(a writer elsewhere, /)
  await writer.query(`prepare transaction 'left behind'`)
  await expect.poll(held).toBe(`the prepared transaction 'left behind'`)
  await (await sessionOn(elsewhere)).query(`rollback prepared 'left behind'`)

  // A role that may not know since when has to look twice.
  await main.query('create role plain login')
  const asked = new URL(url)
  asked.username = 'plain'
  const plain = looking(asked.href, 1)
  const looks = [await horizon(plain, [])]
  const look = async () => {
    looks.push(await horizon(plain, looks))
    return looks.at(-1)?.heldBy
  }
  const other = await beginning(url, 'a report', 'isolation level repeatable read')
  await other.query('select count(*) from users')
  await main.query('insert into users values (11)')
  expect(await look(), 'it may have come a moment ago').toBeNull()
  await main.query('insert into users values (12)')
  await expect.poll(look).toMatch(/^pid \d+ \(a report, /)
  expect(await horizon(looking(asked.href, 60_000), looks), 'not for long').toMatchObject({ heldBy: null })
})
