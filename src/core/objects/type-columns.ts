import type { QualifiedName } from '../schema/model.ts'
import { join, lit, qualified, regclass, type Sql, sql } from '../sql.ts'

/** A column, by the name of its table. */
export interface ColumnPlace {
  readonly table: QualifiedName
  readonly column: string
}

/** NULL where there is none. */
export function regtype(type: QualifiedName): Sql {
  return sql`pg_catalog.to_regtype(${lit(qualified(type))})`
}

/** The type, of a range the one of its multiranges, and those of arrays of them. */
export function formsOf(type: QualifiedName): Sql {
  return sql`(select o.oid from pg_catalog.pg_type t left join pg_catalog.pg_range r on r.rngtypid = t.oid left join pg_catalog.pg_type m on m.oid = r.rngmultitypid
 cross join lateral (values (t.oid), (t.typarray), (m.oid), (m.typarray)) o (oid) where t.oid = ${regtype(type)} and o.oid <> 0)`
}

/** Columns that have it, of tables and their partitions; only the known ones, where some are. */
export function columnsOf(type: QualifiedName, known?: readonly ColumnPlace[]): Sql {
  const places = known?.map(({ table, column }) => sql`(${regclass(table)}::pg_catalog.oid, ${lit(column)})`)
  const among =
    places === undefined
      ? sql``
      : places.length === 0
        ? sql` and false`
        : sql` and (coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid), a.attname) in (${join(places)})`
  return sql`select c.oid as relid, a.attnum, c.relnamespace, c.relname, a.attname, c.relispartition
  from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  where a.atttypid in ${formsOf(type)} and not a.attisdropped and c.relkind in ('r', 'p') and c.relpersistence <> 't'${among}`
}

/** Those of tables that are no partitions, in the order of their names: one `table` and `column` a row. */
export function tableColumnsOf(type: QualifiedName): Sql {
  return sql`select pg_catalog.json_build_object('namespace', n.nspname, 'name', m.relname) as table, m.attname as column from (${columnsOf(type)}) m join pg_catalog.pg_namespace n on n.oid = m.relnamespace where not m.relispartition order by n.nspname, m.relname, m.attnum`
}
