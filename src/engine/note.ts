import type { Event } from '../core/run/event.ts'
import type { Sql } from '../core/sql.ts'
import type { Driving } from './context.ts'

/**
 * Writes events into the journal, and with them what belongs to them in the namespace `bellows`. Nothing of the application is
 * locked, so a machine that stalls is waited for, as long as it takes to count as dead.
 */
export async function note(
  engine: Driving,
  run: number,
  events: readonly Event[],
  statements: readonly Sql[] = [],
): Promise<void> {
  const half = engine.settings.driver.staleMs / 2
  const bounds = { run, locks: [], lockTimeoutMs: half, statementTimeoutMs: half, requires: [] }
  await engine.driver.transact({ ...bounds, statements, events })
}
