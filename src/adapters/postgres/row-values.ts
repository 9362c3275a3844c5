import { messageOf } from '../../core/errors.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { readExpression, readType } from '../../core/parse.ts'
import { type Facts, type RowValue, type ValueFacts, valueKey } from '../../core/schema/facts.ts'
import { findColumn, findTable, type Table } from '../../core/schema/model.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import { comingColumns, type Known, likeMade } from './added-columns.ts'
import { scratchFor } from './scratch.ts'
import type { Sessions } from './sessions.ts'

/**
 * Whether the server takes an expression as the value of a column, and what it makes of it. Only the server knows which function
 * a name means and whether that is immutable, so it is asked: a table for the moment like the real one gets such a column, and nothing
 * of it stays.
 */
export async function readValues(
  sessions: Sessions,
  needs: Needs['values'],
  known: Known,
): Promise<Facts['values']> {
  const facts: Record<string, Facts['values'][string]> = {}
  if (needs.length === 0) return facts
  const scratch = await scratchFor(sessions)
  for (const need of needs) {
    const table = findTable({ tables: known.tables }, need.table)
    const coming = table === undefined ? comingColumns(need.added ?? [], need.table, known) : []
    const [expression, type] = [readExpression(need.expression), typeOf(need, table)]
    if (type === undefined || typeof expression !== 'string') continue
    if (table === undefined && coming.length === 0) continue
    const copy = qualified({ namespace: scratch.namespace, name: need.table.name })
    const made =
      table === undefined ? likeMade(copy, coming) : sql`create table ${copy} (like ${qualified(table)})`
    facts[valueKey(need)] = await scratch
      .try([made, ...trial(copy, sql`${type} ${CLAUSES[need.as](expression)}`)])
      .then((answers) => answers.flat().find((row) => 'value' in row)?.value as ValueFacts)
      .catch((error: unknown) => ({ problem: messageOf(error) }))
  }
  return facts
}

const CLAUSES: Readonly<Record<RowValue['as'], (expression: Sql) => Sql>> = {
  row: (expression) => sql`generated always as (${expression}) stored`,
  virtual: (expression) => sql`generated always as (${expression}) virtual`,
  default: (expression) => sql`default (${expression})`,
}

function typeOf({ fits }: RowValue, table: Table | undefined): Sql | undefined {
  if ('column' in fits) {
    const column = table === undefined ? undefined : findColumn(table, fits.column)
    return column === undefined ? undefined : trusted(column.type)
  }
  const read = readType(fits.type)
  return typeof read === 'string' ? read : undefined
}

const TRIED = 'bellows_value'

/** The table keeps its name, by which an expression may call it. */
function trial(copy: Sql, column: Sql): readonly Sql[] {
  return [
    sql`alter table ${copy} add column ${id(TRIED)} ${column}`,
    sql`select pg_catalog.json_build_object('text', pg_catalog.pg_get_expr(d.adbin, d.adrelid)) as value
  from pg_catalog.pg_attribute a join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = ${lit(copy)}::pg_catalog.regclass and a.attname = ${lit(TRIED)}`,
  ]
}
