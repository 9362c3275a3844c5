import type { BellowsError } from '../../core/errors.ts'
import type { Sql } from '../../core/sql.ts'
import type { Working } from '../context.ts'
import type { Lane } from '../ports.ts'
import type { Marked } from './checkpoint.ts'

/** What one batch brought. */
export interface Batch {
  /** Was the table rewritten meanwhile, so that nothing was done? */
  readonly rewritten: boolean
  readonly rowsDone: number
  readonly rowsTotal: number
  readonly seconds: number
}

/** A small transaction on rows, within the bounds of a batch, that needs no lock ahead. Returns what its statement returns. */
export async function batchTransaction(
  engine: Working,
  run: number,
  statements: readonly Sql[],
  lane: Pick<Lane, 'transact'> = engine.driver,
): Promise<unknown> {
  const { lockTimeoutMs, statementTimeoutMs } = engine.settings.batch
  const bounds = { run, locks: [], lockTimeoutMs, statementTimeoutMs, requires: [] }
  const { result } = await lane.transact({ ...bounds, statements, events: [] })
  return result
}

/** The server ended the batch at the bound of its time. */
export function tookTooLong(error: BellowsError): boolean {
  return error.sqlstate === '57014'
}

/** No mark was set: the table had been rewritten, and nothing was done. */
export function batchOf(mark: Marked): Batch {
  const { rows_done = 0, rows_total = 0, seconds = 0 } = mark ?? {}
  return { rewritten: mark === null, rowsDone: rows_done, rowsTotal: rows_total, seconds }
}
