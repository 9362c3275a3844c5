import type { Dependent, QualifiedName } from '../../core/schema/model.ts'
import { join, lit, pattern, sql, trusted } from '../../core/sql.ts'
import { byPlace } from './dependents.ts'
import type { Sessions } from './sessions.ts'

/**
 * Functions whose text names a table and a column of it, for each of many. Text is all there is: PostgreSQL keeps no record of what
 * they use.
 */
export async function readMentions(
  sessions: Sessions,
  columns: readonly { readonly table: QualifiedName; readonly column: string }[],
): Promise<readonly (readonly Dependent[])[]> {
  if (columns.length === 0) return []
  const asked = columns.map(
    ({ table, column }, at) =>
      sql`(${lit(at)}, ${lit(column)}, ${lit(word(table.name))}, ${lit(word(column))})`,
  )
  // The texts go by while the names stand still, so that each pattern is read once.
  const found = await sessions.read<Required<Dependent> & { at: number }>(sql`
with functions as materialized (
  select oid, prosrc from pg_catalog.pg_proc p
    where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows')))
select c.at, 'function' as kind, f.name, c.name as ${trusted('"column"')}
  from (values ${join(asked)}) as c (at, name, "table", word)
  cross join lateral (
    select p.oid::pg_catalog.regprocedure::text as name from functions p where p.prosrc ~ c."table" and p.prosrc ~ c.word offset 0) f
  order by 1, 3`)
  const mentions = byPlace(found)
  return columns.map((_, at) =>
    (mentions.get(at) ?? []).map(({ kind, name, column }) => ({ kind, name, column })),
  )
}

/** A regular expression that finds a name as a whole word. */
function word(name: string): string {
  return `(?<!\\w)${pattern(name)}(?!\\w)`
}
