import { readFileSync } from 'node:fs'
import { join, lit, type Sql, sql, trusted } from '../../core/sql.ts'
import { IS_CONSTRAINED } from './constrained.ts'

const TABLES_QUERY = readFileSync(new URL('./introspect.sql', import.meta.url), 'utf8')

/** A row for each of these tables that is there, in any order: `table`, as the model in core has it. */
export function tablesQuery(names: readonly Sql[]): Sql {
  const oids = names.map((name) => sql`pg_catalog.to_regclass(${lit(name)})`)
  return trusted(
    TABLES_QUERY.replaceAll('$tables', () => join(oids)).replace('$constrained', () => IS_CONSTRAINED),
  )
}
