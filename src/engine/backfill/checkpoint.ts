import type { Pass } from '../../core/run/ranges.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import type { Checkpoint } from '../ports.ts'

/** The checkpoint of a step, moved on in the transaction of its batch; see `bellows.checkpoint`. */
export interface Mark {
  readonly run: number
  readonly step: string
  /** An expression of type jsonb. */
  readonly state: Sql
  /** An expression: how many rows this batch adds. */
  readonly rowsDone: Sql
  readonly rowsTotal: number
  /** An expression: nothing is stored where it is false. */
  readonly condition: Sql
}

/** Where a step stood, in its own words; undefined where it was not begun, is done, or begins anew. */
export function resumed(before: Checkpoint | undefined): unknown {
  return before === undefined || before.finished ? undefined : (before.state ?? undefined)
}

/**
 * Returns `rows_done`, `rows_total` and the seconds since the step began. The total that was said first stays, so that nothing wanders
 * to and fro; one that was a guess by a partition with hardly a row in it gives way.
 */
export function markSql({ run, step, state, rowsDone, rowsTotal, condition }: Mark): Sql {
  return sql`insert into bellows.checkpoint as c (step, run, state, rows_done, rows_total)
  select ${lit(step)}, ${lit(run)}, ${state}, ${rowsDone}, ${lit(rowsTotal)} where ${condition}
  on conflict (step) do update set state = excluded.state, rows_done = c.rows_done + excluded.rows_done,
    rows_total = greatest(case when excluded.rows_total > 2 * c.rows_total then excluded.rows_total else c.rows_total end, c.rows_done + excluded.rows_done), updated_at = pg_catalog.clock_timestamp()
  returning rows_done, rows_total, extract(epoch from updated_at - started_at) as seconds`
}

/** An expression over `bellows.checkpoint`: see `Cost`. */
export const LOG_BYTES: Sql = sql`pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), started_at_log)::bigint`

/** What `markSql` returns, as JSON; null when its condition was false. */
export type Marked = {
  readonly rows_done: number
  readonly rows_total: number
  readonly seconds: number
} | null

/** Says that the step is done: its probe holds from now on. A table without rows never had a batch; a partition that left may have ranges. */
export function finishSql(run: number, step: string): Sql {
  return sql`with ranges as (delete from bellows.backfill_range where step = ${lit(step)} returning rows_done)
insert into bellows.checkpoint as c (step, run, state, finished) values (${lit(step)}, ${lit(run)}, 'null', true)
  on conflict (step) do update set finished = true, rows_done = c.rows_done + (select coalesce(sum(rows_done), 0) from ranges)`
}

/** A step that is where it was before, if it was ever further. */
export function setBackSql(step: string, state: Pass, rowsDone: number): Sql {
  return sql`update bellows.checkpoint set state = ${lit(JSON.stringify(state))}, rows_done = ${lit(rowsDone)} where step = ${lit(step)}`
}

export function forgetSql(step: string): Sql {
  return sql`delete from bellows.checkpoint where step = ${lit(step)}`
}

/** Has the backfill of a run look at all rows again. What it counted so far stays counted. */
export function reopenBackfillSql(run: number): Sql {
  return sql`update bellows.checkpoint set finished = false, state = 'null' where run = ${lit(run)} and finished and not state ? 'verdict'`
}

/** Ends the backfills of a run where they are: whoever is at work on a range is waited for, and nobody finds one any more. */
export function endBackfillsSql(run: number): readonly Sql[] {
  return [
    sql`update bellows.checkpoint set state = 'null' where run = ${lit(run)} and state ? 'byRanges'`,
    sql`delete from bellows.backfill_range where step in (select step from bellows.checkpoint where run = ${lit(run)})`,
  ]
}

export function forgetRunSql(run: number): readonly Sql[] {
  return [
    sql`delete from bellows.checkpoint where run = ${lit(run)}`,
    sql`delete from bellows.quarantine where run = ${lit(run)}`,
  ]
}
