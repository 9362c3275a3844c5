import pg from 'pg'
import { expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { Braked, Notice } from '../../src/core/run/event.ts'
import { cleanUp } from '../support/database.ts'
import { rename } from '../support/rename.ts'
import { startPair } from '../support/standby.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const

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
  await shop.query(`create table users (id int primary key, name text not null);
    insert into users select i, repeat('x', 200) || i from generate_series(1, 20000) i; analyze users`)
  const notices: Notice[] = []
  const bellows = await openBellows({
    database: primary.url,
    settings: { batch: { rows: 100 }, brake: { replayLagMs: 1_000, replayLagBytes: 100_000 } },
    onNotice: (notice) => notices.push(notice),
  })
  cleanUp(() => bellows.close())
  const braked = () => notices.filter((one): one is Braked => one.type === 'braked')
  const filled = async () => Number((await shop.query('select count(full_name) from users')).rows[0]?.count)

  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  await replica.query('select pg_wal_replay_pause()')
  const running = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await expect.poll(() => braked().at(-1)?.pace, { timeout: 20_000 }).toBe('pause')
  expect(braked().at(-1)?.because).toEqual([
    expect.stringMatching(/^the standby ".+" (replays .+ behind|has .+ to replay) \(limit /),
  ])
  const before = await filled()
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(await filled()).toBe(before)
  expect(before).toBeLessThan(20_000)

  await replica.query('select pg_wal_replay_resume()')
  await running
  expect(await filled()).toBe(20_000)
})
