import { expect } from 'vitest'
import type { TestDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { isBatch, MIGRATION, SETTINGS } from './wide-rows.ts'

/** Leaves the backfill behind one batch as somebody does who was killed. */
export async function killedDriver(database: TestDatabase): Promise<void> {
  const driver = faultyBellows(
    database.url,
    { after: (effect) => (isBatch(effect) ? driver.die() : undefined) },
    { settings: SETTINGS },
  )
  await expect(driver.bellows.change((driving) => driving.advance(MIGRATION, 'backfill'))).rejects.toThrow(
    'after the crash',
  )
  await driver.bellows.close()
}
