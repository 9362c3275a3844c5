import { type Sql, sql } from '../sql.ts'
import { USUAL_SEARCH_PATH } from './search-path.ts'

/** In front of a statement that fills rows: triggers of the user find what they rely on, and can tell it from what an application writes. */
export const IN_BACKFILL: readonly Sql[] = [
  USUAL_SEARCH_PATH,
  sql`set local bellows.backfill = 'on'`,
  // Only by a setting one statement leaves something to another without writing it anywhere.
  sql`select pg_catalog.set_config('bellows.began_log', pg_catalog.pg_current_wal_insert_lsn()::text, true)`,
]

/** An expression behind it: where the log was. */
export const BEGAN_LOG: Sql = sql`pg_catalog.current_setting('bellows.began_log')::pg_catalog.pg_lsn`

/** An expression: is this a write of ours that fills rows? */
export const IS_BACKFILL: Sql = sql`pg_catalog.current_setting('bellows.backfill', true) operator(pg_catalog.=) 'on'`
