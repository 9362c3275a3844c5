import type { QualifiedName } from '../../schema/model.ts'
import { join, lit, qualified, type Sql, sql } from '../../sql.ts'

const domain = (name: QualifiedName): Sql => sql`pg_catalog.to_regtype(${lit(qualified(name))})`
const defaultOf = sql`pg_catalog.pg_get_expr(t.typdefaultbin, 'pg_catalog.pg_type'::pg_catalog.regclass)`

/** Nobody reads a temporary table of somebody else. */
function columnsOf(type: Sql): Sql {
  return sql`select n.nspname as namespace, r.relname as table, a.attname as column from pg_catalog.pg_attribute a join pg_catalog.pg_class r on r.oid = a.attrelid join pg_catalog.pg_namespace n on n.oid = r.relnamespace where a.atttypid = ${type} and not a.attisdropped and r.relkind in ('r', 'p') and not r.relispartition and r.relpersistence <> 't'`
}

/** One row where the domain is there: may the role change it, its default, its checks, and the columns that are of it. */
export function domainQuestion(name: QualifiedName): Sql {
  const checks = sql`select c.conname as name, pg_catalog.pg_get_constraintdef(c.oid) as definition from pg_catalog.pg_constraint c where c.contypid = t.oid and c.contype = 'c'`
  return sql`select pg_catalog.pg_has_role(t.typowner, 'USAGE') as owned, ${defaultOf} as default, (select coalesce(pg_catalog.json_agg(c order by c.name), '[]') from (${checks}) c) as checks, (select coalesce(pg_catalog.json_agg(c order by c.namespace, c.table, c.column), '[]') from (${columnsOf(sql`t.oid`)}) c) as columns from pg_catalog.pg_type t where t.oid = ${domain(name)} and t.typtype = 'd'`
}

/** Is one of the columns of the domain none of these? */
export function hasOtherColumns(name: QualifiedName, known: readonly Column[]): Sql {
  const these = known.map((one) => sql`(${lit(one.namespace)}, ${lit(one.table)}, ${lit(one.column)})`)
  return sql`exists (select from (${columnsOf(domain(name))}) c where (c.namespace, c.table, c.column) not in (${join(these)}))`
}

interface Column {
  readonly namespace: string
  readonly table: string
  readonly column: string
}

export function hasDomainCheck(name: QualifiedName, check: string, definition?: string): Sql {
  const as =
    definition === undefined ? sql`` : sql` and pg_catalog.pg_get_constraintdef(c.oid) = ${lit(definition)}`
  return sql`exists (select from pg_catalog.pg_constraint c where c.contypid = ${domain(name)} and c.conname = ${lit(check)}${as})`
}

export const currentDefault = (name: QualifiedName): Sql =>
  sql`(select ${defaultOf} from pg_catalog.pg_type t where t.oid = ${domain(name)})`

/** As the server prints it; null for none. */
export function domainDefaultIs(name: QualifiedName, printed: string | null): Sql {
  return sql`${currentDefault(name)} is not distinct from ${lit(printed)}`
}

export function domainDefaultIsElse(name: QualifiedName, printed: string | null): Sql {
  return sql`${currentDefault(name)} is distinct from ${lit(printed)}`
}
