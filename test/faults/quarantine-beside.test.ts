import { expect, test } from 'vitest'
import type { Notice } from '../../src/index.ts'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'
import { Crash, type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { KILLED, survived } from '../support/killed.ts'
import { MIGRATION, notes, STEP, settings, table, WRONG } from './bad-rows.ts'
import { isBatch } from './wide-rows.ts'

const ROWS = 4_000

test('whoever helps leaves rows out as its driver does, whatever was said to itself, also when that has died', async () => {
  const database = await testDatabase(table(ROWS))
  const death = { after: (effect: Effect) => (isBatch(effect) ? dying() : undefined) }
  const faulty = faultyBellows(database.url, death, { settings: settings(), application: KILLED })
  const dying = (): never => {
    faulty.die()
    throw new Crash('behind its first batch')
  }
  await survived(faulty, database, (bellows) =>
    bellows.change((driver) => driver.advance(MIGRATION, 'backfill')),
  )
  const heard: Notice[] = []
  const helper = await database.bellows({
    settings: settings({ onBadRow: 'stop' }),
    onNotice: (notice) => heard.push(notice),
  })
  expect((await helper.work({ once: true })).rows).toBeGreaterThan(0)
  expect(heard.filter(({ type }) => type === 'quarantined')).toHaveLength(7)
  expect(await database.query(WRONG)).toEqual([])
  const before = await notes(database)
  expect(before).toHaveLength(7)

  const next = await database.bellows({ settings: settings() })
  await expect(next.change((driver) => driver.advance(MIGRATION, 'backfill'))).rejects.toMatchObject({
    code: 'rows_quarantined',
    facts: { quarantined_rows: 7 },
  })
  expect(await notes(database)).toEqual(before)
})

test('whoever looks on hears of it', async () => {
  const database = await testDatabase(table(400))
  const bellows = await database.bellows({ settings: settings() })
  const run = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  const heard: Notice[] = []
  const watched = (await database.bellows()).watch(run.id, (notice) => heard.push(notice))
  await bellows.change((driver) => driver.advance(MIGRATION, 'backfill')).catch(() => undefined)
  await expect
    .poll(() => heard.findLast(({ type }) => type === 'quarantined'))
    .toMatchObject({ step: STEP, rows: 7, newest: { row: 'id=400', sqlstate: '22003' } })

  const place = await workplace({ DATABASE_URL: database.url })
  const { out } = await place.run('status', '--json')
  expect(JSON.parse(out)).toMatchObject({
    migrations: [
      { state: 'backfilling', quarantine: { rows: 7, samples: [{ row: 'id=7' }, {}, {}, {}, {}] } },
    ],
  })
  expect((await place.run('status')).out).toMatch(
    /7 rows in quarantine: id=7 of "users": Integer out of range/,
  )
  await bellows.change((driver) => driver.rollback(run.id))
  await watched
})
