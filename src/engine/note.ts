import type { Event } from '../core/run/event.ts'
import type { Sql } from '../core/sql.ts'
import type { Working } from './context.ts'

/**
 * Writes events into the journal, and with them what belongs to them in the namespace `bellows`. Nothing of the application is
 * locked, so a machine that stalls is waited for, as long as it takes to count as dead. Returns what the statements return.
 */
export async function note(
  engine: Working,
  run: number,
  events: readonly Event[],
  statements: readonly Sql[] = [],
): Promise<unknown> {
  const half = engine.settings.driver.staleMs / 2
  const bounds = { run, locks: [], lockTimeoutMs: half, statementTimeoutMs: half, requires: [] }
  const { result } = await engine.driver.transact({ ...bounds, statements, events })
  return result
}
