import type { Leaver } from '../../core/plan/leaver.ts'
import type { Dependent } from '../../core/schema/model.ts'
import { join, lit, pattern, sql } from '../../core/sql.ts'
import { byPlace } from './dependents.ts'
import type { Sessions } from './sessions.ts'

/**
 * Functions whose text names a table, and a column of it where one is named, for each of many. Text is all there is: PostgreSQL keeps no record of what
 * they use.
 */
export async function readMentions(
  sessions: Sessions,
  leaving: readonly Leaver[],
): Promise<readonly (readonly Dependent[])[]> {
  if (leaving.length === 0) return []
  const asked = leaving.map(
    ({ table, column }, at) =>
      sql`(${lit(at)}, ${lit(table.name)}, ${lit(word(table.name))}, ${lit(column ?? '')}, ${lit(column === undefined ? '' : word(column))})`,
  )
  // To look for a text costs a fraction of what a pattern does, and is in vain for nearly all. The texts go by while the names
  // stand still, so that each pattern is read once.
  const found = await sessions.read<Pick<Dependent, 'kind' | 'name'> & { at: number }>(sql`
with functions as materialized (
  select oid, prosrc from pg_catalog.pg_proc p
    where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows')))
select c.at, 'function' as kind, f.name
  from (values ${join(asked)}) as c (at, "table", table_word, name, word)
  cross join lateral (
    select p.oid::pg_catalog.regprocedure::text as name from functions p
      where case when pg_catalog.strpos(p.prosrc, c."table") > 0 and pg_catalog.strpos(p.prosrc, c.name) > 0 then p.prosrc ~ c.table_word and p.prosrc ~ c.word end
      offset 0) f
  order by 1, 3`)
  const mentions = byPlace(found)
  return leaving.map(({ column }, at) =>
    (mentions.get(at) ?? []).map(({ kind, name }) => ({
      kind,
      name,
      ...(column === undefined ? {} : { column }),
    })),
  )
}

/** A regular expression that finds a name as a whole word. */
function word(name: string): string {
  return `(?<!\\w)${pattern(name)}(?!\\w)`
}
