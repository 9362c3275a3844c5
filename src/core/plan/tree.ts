import type { QualifiedName } from '../schema/model.ts'
import { regclass, type Sql, sql } from '../sql.ts'

/**
 * The rows of `pg_partition_tree()`, or of these the one of a partition, as long as it is one. All of them take a tenth of a second where
 * they are thousands, and a lock on each; one takes neither.
 */
export function treeSql(table: QualifiedName, one?: QualifiedName): Sql {
  if (one === undefined) return sql`pg_catalog.pg_partition_tree(${regclass(table)})`
  return sql`(
    select it.relid, i.inhparent::pg_catalog.regclass as parentrelid, c.relkind <> 'p' as isleaf, above.place - 1 as level
      from (select ${regclass(one)} as relid) it
      cross join lateral pg_catalog.pg_partition_ancestors(it.relid) with ordinality above (relid, place)
      join pg_catalog.pg_class c on c.oid = it.relid left join pg_catalog.pg_inherits i on i.inhrelid = it.relid
      where above.relid = ${regclass(table)})`
}

/** Is an index a part of one of a partitioned table, or that one itself? */
export function isPartOf(part: Sql, index: QualifiedName): Sql {
  return sql`exists (select from pg_catalog.pg_partition_ancestors(${part}) above where above.relid = ${regclass(index)})`
}
