import { plpgsqlQueries, plpgsqlTypes } from '../parse.ts'
import type { Dependent, QualifiedName } from '../schema/model.ts'
import { join, lit, type Sql, sql } from '../sql.ts'
import { isTypeOf } from '../statement-use.ts'
import { usesOf } from '../thing-use.ts'
import type { Leaver, LeaverInParts } from './leaver.ts'
import { folded, isNamedIn } from './named-in.ts'

/** A function whose text names the table, and the column where one is asked for, wherever. */
export interface FunctionText {
  readonly name: string
  readonly language: 'sql' | 'plpgsql'
  readonly body: string
  /** The command that would make it. */
  readonly definition: string
}

/**
 * Functions whose text names a table or a partition of it, and a column where one is asked for, for each of many: rows with `at`, the place
 * in the list. Those of Bellows, and such as PostgreSQL keeps a record of what they use, are left out.
 */
export function functionsNaming(asked: readonly Pick<LeaverInParts, 'table' | 'column' | 'parts'>[]): Sql {
  const found = asked.map(({ table, column, parts = [] }, at) => {
    const relation = isNamedIn(
      sql`text`,
      table.name,
      parts.map(({ name }) => name),
    )
    const both =
      column === undefined
        ? relation
        : sql`pg_catalog.strpos(text, ${folded(lit(column))}) > 0 and ${relation}`
    return sql`select ${lit(at)} as at, oid from functions where ${both}`
  })
  return sql`
with functions as materialized (
  select p.oid, ${folded(sql`p.prosrc`)} as text
    from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql')
    where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows'))
      and p.prokind in ('f', 'p') and p.prosqlbody is null
), found as materialized (${join(found, ' union all ')})
select f.at, p.oid::pg_catalog.regprocedure::text as name, l.lanname as language, p.prosrc as body, pg_catalog.pg_get_functiondef(p.oid) as definition
  from found f join pg_catalog.pg_proc p on p.oid = f.oid join pg_catalog.pg_language l on l.oid = p.prolang
  order by 1, 2`
}

/**
 * PostgreSQL keeps no record of what they use, so their text is read. Only what names the column counts: a text that is put
 * together when it runs is not seen, and one that takes all columns may do without this one.
 */
export function functionsUsing(
  functions: readonly FunctionText[],
  of: LeaverInParts,
): readonly Pick<Dependent, 'kind' | 'name'>[] {
  const typed = typeIn(of)
  const useIn = usesOf(of)
  return functions
    .filter(
      ({ language, body, definition }) =>
        (language === 'sql' ? [body] : plpgsqlQueries(definition)).some(
          (text) => useIn(text) === 'definite',
        ) ||
        (typed !== undefined &&
          language === 'plpgsql' &&
          plpgsqlTypes(definition).some((type) => isTypeOf(type, typed))),
    )
    .map(({ name }) => ({ kind: 'function', name }))
}

/** What goes along as the type of a variable: that of the rows of a relation, or the type itself. */
function typeIn({ table, column, thing }: Leaver): QualifiedName | undefined {
  if (thing === undefined) return column === undefined ? table : undefined
  return thing.shows?.flatMap((one) => (one.by === 'relation' || one.by === 'type' ? [one.name] : []))[0]
}
