import { type Sql, sql } from '../../core/sql.ts'

/** Of this database. Also those that somebody waits for: whoever comes later stands behind. */
const HELD = sql`(select l.relation from pg_catalog.pg_locks l where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))`

/**
 * Has somebody a relation for himself, as VACUUM FULL has? How large its file is would be known only when that is over, and it is asked for many
 * relations at once.
 */
function isHeld(relation: Sql): Sql {
  return sql`(${relation} in ${HELD})`
}

/** Blocks of the file of a row `c` of pg_class; of one that is held as many as the server has on record. */
export function blocksOf(c: Sql): Sql {
  return sql`case when ${isHeld(sql`${c}.oid`)} then ${c}.relpages
    else coalesce(pg_catalog.pg_relation_size(${c}.oid), 0) / pg_catalog.current_setting('block_size')::bigint end`
}
