import { readFileSync } from 'node:fs'
import { lit, type Sql, sql, trusted } from '../../core/sql.ts'

const TABLE_QUERY = readFileSync(new URL('./introspect.sql', import.meta.url), 'utf8')

/** One row, `table`, as the model in core has it; none when there is no such table. */
export function tableQuery(name: Sql): Sql {
  const oid = sql`pg_catalog.to_regclass(${lit(name)})`
  return trusted(TABLE_QUERY.replaceAll('$table', () => oid))
}
