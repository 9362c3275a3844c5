import { lit, type Sql, sql } from '../sql.ts'

/**
 * From this version on PostgreSQL has a foreign key of a partitioned table for new rows alone, and names what is under a key after that, where it
 * went by the table and its columns before.
 */
export const WHOLE_SINCE = 180_000

export const canBeWhole: Sql = sql`pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= ${lit(WHOLE_SINCE)}`
