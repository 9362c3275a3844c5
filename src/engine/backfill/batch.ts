import type { BellowsError } from '../../core/errors.ts'
import { BEGAN_LOG, IN_BACKFILL } from '../../core/plan/in-backfill.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import type { Working } from '../context.ts'
import type { Committed, Lane } from '../ports.ts'
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
  return (await sent(engine, run, statements, lane)).result
}

async function sent(
  engine: Working,
  run: number,
  statements: readonly Sql[],
  lane: Pick<Lane, 'transact'>,
): Promise<Committed> {
  const { lockTimeoutMs, statementTimeoutMs } = engine.settings.batch
  const bounds = { run, locks: [], lockTimeoutMs, statementTimeoutMs, requires: [] }
  return await lane.transact({ ...bounds, statements, events: [] })
}

/** What a batch that fills rows took, up to its COMMIT. */
export interface Took {
  readonly ms: number
  /** Written to the log meanwhile, by everybody: of one session alone it cannot be told before PostgreSQL 18. */
  readonly logBytes: number
}

/**
 * A batch that fills rows. Triggers of the user may fire behind its statement, and those of deferrable constraints at the end of the
 * transaction, where no bound counts any more: they are had to fire before, within what is left of the time, and what they take counts.
 */
export async function fillTransaction(
  engine: Working,
  run: number,
  statement: Sql,
  lane: Pick<Lane, 'transact'> = engine.driver,
): Promise<{ readonly result: unknown; readonly took: Took }> {
  const statements = [...IN_BACKFILL, statement, ...firedSql(engine), TOOK]
  const { result, took } = await sent(engine, run, statements, lane)
  return { result, took: took as Took }
}

/** Behind the statement of a batch, within what is left of its time: what would only fire, and fail, at the end of the transaction. */
export function firedSql({ settings: { batch } }: Pick<Working, 'settings'>): readonly Sql[] {
  return [leftSql(batch.lockTimeoutMs + batch.statementTimeoutMs), sql`set constraints all immediate`]
}

/** So little is left to what comes behind a statement that took all of the time. */
const REST_SHARE = 0.05

/** The bound of a statement begins anew with each of them. */
function leftSql(wholeMs: number): Sql {
  const least = Math.max(1, Math.round(wholeMs * REST_SHARE))
  return sql`select pg_catalog.set_config('statement_timeout', greatest(${lit(least)}, (${lit(wholeMs)} - ${MS})::integer)::text, true)`
}

/** Since the message came. All of the transaction is in it. */
const MS = sql`extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000`

const TOOK = sql`select pg_catalog.json_build_object('ms', ${MS},
    'logBytes', pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), ${BEGAN_LOG})) as took`

/** The server ended the batch at the bound of its time. */
export function tookTooLong(error: BellowsError): boolean {
  return error.sqlstate === '57014'
}

/** No mark was set: the table had been rewritten, and nothing was done. */
export function batchOf(mark: Marked): Batch {
  const { rows_done = 0, rows_total = 0, seconds = 0 } = mark ?? {}
  return { rewritten: mark === null, rowsDone: rows_done, rowsTotal: rows_total, seconds }
}
