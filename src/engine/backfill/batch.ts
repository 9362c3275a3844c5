import type { Event } from '../../core/run/event.ts'
import type { Sql } from '../../core/sql.ts'
import type { Driving } from '../context.ts'
import type { Marked } from './checkpoint.ts'
import type { Batch } from './work-through.ts'

/** A small transaction on rows, within the bounds of a batch, that needs no lock ahead. Returns what its statement returns. */
export async function batchTransaction(
  engine: Driving,
  run: number,
  statements: readonly Sql[],
  events: readonly Event[] = [],
): Promise<unknown> {
  const { lockTimeoutMs, statementTimeoutMs } = engine.settings.batch
  const bounds = { run, locks: [], lockTimeoutMs, statementTimeoutMs, requires: [] }
  const { result } = await engine.driver.transact({ ...bounds, statements, events })
  return result
}

/** No mark was set: the table had been rewritten, and nothing was done. */
export function batchOf(mark: Marked): Batch {
  const { rows_done = 0, rows_total = 0, seconds = 0 } = mark ?? {}
  return { rewritten: mark === null, rowsDone: rows_done, rowsTotal: rows_total, seconds }
}
