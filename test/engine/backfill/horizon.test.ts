import { describe, expect, test } from 'vitest'
import { postgresDatabase } from '../../../src/adapters/postgres/database.ts'
import { openSessions } from '../../../src/adapters/postgres/sessions.ts'
import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import { horizon } from '../../../src/engine/backfill/horizon.ts'
import type { Engine } from '../../../src/engine/context.ts'
import { cleanUp, shopDatabase, type TestDatabase, testDatabase } from '../../support/database.ts'

const TABLE = 'create table users (id int primary key); insert into users select generate_series(1, 10)'

/** After so many milliseconds somebody holds it back. */
function looking({ url }: TestDatabase, horizonMs: number): Engine {
  const target = { url, application: 'bellows/test' }
  const sessions = openSessions(target)
  cleanUp(() => sessions.close())
  const settings = { ...DEFAULT_SETTINGS, batch: { ...DEFAULT_SETTINGS.batch, horizonMs } }
  return { database: postgresDatabase(target, sessions), settings } as unknown as Engine
}

describe('the horizon', () => {
  test('is held back by a snapshot, by what was written and by a prepared transaction, each that is old enough', async () => {
    const database = await testDatabase(TABLE)
    const [reader, writer, idle] = [
      await database.session('a report'),
      await database.session('a writer'),
      await database.session('nobody'),
    ]
    await idle.query('begin')
    await idle.query('select count(*) from users')
    const engine = looking(database, 1)
    const held = async () => (await horizon(engine, undefined)).heldBy
    expect(await held(), 'between its statements it sees whatever there is').toBeNull()
    expect(await horizon(looking(database, 60_000), undefined)).toMatchObject({ heldBy: null })

    await reader.query('begin isolation level repeatable read')
    await reader.query('select count(*) from users')
    await expect.poll(held).toMatch(/^pid \d+ \(a report, user \w+\)$/)
    expect(await horizon(looking(database, 60_000), undefined)).toMatchObject({ heldBy: null })
    await reader.query('commit')
    await expect.poll(held).toBeNull()

    await writer.query('begin')
    await writer.query('delete from users where id = 1')
    await expect.poll(held).toMatch(/^pid \d+ \(a writer, /)
    await writer.query(`prepare transaction 'left behind'`)
    cleanUp(async () => void (await database.query(`rollback prepared 'left behind'`)))
    await expect.poll(held).toBe(`the prepared transaction 'left behind'`)
  })

  test('is held back by whoever was there at the look before, where the role may not know since when', async () => {
    const database = await shopDatabase(TABLE)
    const other = await database.session('a report')
    const engine = looking(database, 1)
    const first = await horizon(engine, undefined)
    await other.query('begin isolation level repeatable read')
    await other.query('select count(*) from users')
    await database.query('insert into users values (11)')
    const second = await horizon(engine, first)
    expect(second.heldBy, 'it may have come a moment ago').toBeNull()
    expect(second.next).toBeGreaterThan(first.next)
    await database.query('insert into users values (12)')
    await expect.poll(async () => (await horizon(engine, second)).heldBy).toMatch(/^pid \d+ \(a report, /)
  })
})
