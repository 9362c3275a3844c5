import type { QualifiedName } from '../schema/model.ts'
import { join, lit, regclass, type Sql, sql } from '../sql.ts'

/**
 * A table or an index with its partitions on all levels, as a subquery with `relid`, by the catalog alone: pg_partition_tree() would
 * lock each of them, and a look would wait where somebody works on one. A table that only inherits has no partitions.
 */
export function treeOf(relation: Sql): Sql {
  return sql`(with recursive tree (relid) as (
  select ${relation}::pg_catalog.oid
  union select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.relid
    where exists (select from pg_catalog.pg_class c where c.oid = ${relation} and c.relkind in ('p', 'I'))
) select relid from tree)`
}

/** The partitions of each of some tables: rows of (at, namespace, name), `at` being the number that is given with the table. */
export function partsOfEach(tables: readonly { readonly at: number; readonly table: QualifiedName }[]): Sql {
  const asked = tables.map(({ at, table }) => sql`(${lit(at)}, ${regclass(table)})`)
  return sql`select asked.at, n.nspname::text as namespace, c.relname::text as name from (values ${join(asked)}) asked (at, relation)
  cross join lateral ${treeOf(sql`asked.relation`)} tree
  cross join lateral (select * from pg_catalog.pg_class where oid = tree.relid offset 0) c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid <> asked.relation order by 1, 2, 3`
}

/**
 * The rows of `pg_partition_tree()`, or of these the one of a partition, as long as it is one. All of them take the longer
 * the more they are, and a lock on each; for one it is always the same, without a lock.
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
