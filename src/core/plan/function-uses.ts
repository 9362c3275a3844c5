import { plpgsqlQueries, plpgsqlTypes } from '../parse.ts'
import type { Dependent, QualifiedName } from '../schema/model.ts'
import { lit, pattern, type Sql, sql } from '../sql.ts'
import { columnUse, isTypeOf } from '../statement-use.ts'

/** A function whose text names the table, and the column where one is asked for, wherever. */
export interface FunctionText {
  readonly name: string
  readonly language: 'sql' | 'plpgsql'
  readonly body: string
  /** The command that would make it. */
  readonly definition: string
}

/** Those of Bellows, and such as PostgreSQL keeps a record of what they use, are left out. */
export function functionsNaming(table: QualifiedName, column?: string): Sql {
  return sql`
select p.oid::pg_catalog.regprocedure::text as name, l.lanname as language, p.prosrc as body, pg_catalog.pg_get_functiondef(p.oid) as definition
  from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname in ('sql', 'plpgsql')
  where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows'))
    and p.prokind in ('f', 'p') and p.prosqlbody is null
    and p.prosrc ~* ${lit(pattern(table.name))}${column === undefined ? sql`` : sql` and p.prosrc ~* ${lit(pattern(column))}`}
  order by 1`
}

/**
 * PostgreSQL keeps no record of what they use, so their text is read. Only what names the column counts: a text that is put
 * together when it runs is not seen, and one that takes all columns may do without this one.
 */
export function functionsUsing(
  functions: readonly FunctionText[],
  table: QualifiedName,
  column?: string,
): readonly Pick<Dependent, 'kind' | 'name'>[] {
  return functions
    .filter(
      ({ language, body, definition }) =>
        (language === 'sql' ? [body] : plpgsqlQueries(definition)).some(
          (text) => columnUse(text, table, column) === 'definite',
        ) ||
        (column === undefined &&
          language === 'plpgsql' &&
          plpgsqlTypes(definition).some((type) => isTypeOf(type, table))),
    )
    .map(({ name }) => ({ kind: 'function', name }))
}
