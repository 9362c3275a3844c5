import { describe, expect, test } from 'vitest'
import { BellowsError } from '../../src/core/errors.ts'
import { testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { KILLED, mortal, survived } from '../support/killed.ts'
import { badOf, MIGRATION, mend, notes, STEP, settings, table, WRONG } from './bad-rows.ts'

const ROWS = 100
const BAD = badOf(ROWS)
const BACKFILL_BEGINS = 31

function unlessQuarantined(error: unknown): void {
  if (!(error instanceof BellowsError) || error.code !== 'rows_quarantined') throw error
}

describe('a driver that is killed while it leaves rows out', () => {
  test.for(['before', 'after'] as const)(
    'at whatever moment, right %s it asks something, loses neither a row nor a note of one',
    { timeout: 300_000 },
    async (when) => {
      let [noted, effects] = [0, Number.POSITIVE_INFINITY]
      // Until then there is no row to be lost.
      for (let moment = BACKFILL_BEGINS; moment <= effects; moment += 6) {
        const database = await testDatabase(table(ROWS))
        const death = mortal({ moment, when }, () => faulty.die())
        const faulty = faultyBellows(database.url, death.around, {
          settings: settings(),
          application: KILLED,
        })
        const isThrough = await survived(faulty, database, (bellows) =>
          bellows.change((driver) => driver.advance(MIGRATION, 'verify')).catch(unlessQuarantined),
        )
        // What fails has no after.
        if (isThrough) effects = faulty.effects.length
        const before = await notes(database)
        if (before.length > 0 && before.length < BAD.length) noted += 1

        const next = await database.bellows({ settings: settings() })
        const verified = () => next.change((driver) => driver.advance(MIGRATION, 'verify'))
        await expect(verified(), `moment ${moment}`).rejects.toMatchObject({
          code: 'rows_quarantined',
          facts: { quarantined_rows: BAD.length },
        })
        expect(await database.query(WRONG)).toEqual([])
        // What was on record stays on record as it was.
        expect(await notes(database)).toEqual(expect.arrayContaining(before))
        await mend(database, BAD)
        await verified()
        expect(await notes(database)).toEqual([])
        expect((await next.checkpoint(STEP))?.rowsDone).toBe(ROWS - BAD.length)
        await next.close()
      }
      expect(noted, 'some of them died between two notes').toBeGreaterThan(2)
    },
  )
})
