import { type ColumnPlace, tableColumnsOf } from '../../core/objects/type-columns.ts'
import type { Needs } from '../../core/operations/needs.ts'
import { isSameName } from '../../core/schema/model.ts'
import { nameOf } from '../../core/schema/name-of.ts'
import type { Sessions } from './sessions.ts'

/** The tables that a migration names, and those that have columns of the types that it names, with these columns. */
export async function withTablesOfTypes(
  sessions: Sessions,
  { tables, ofTypes }: Pick<Needs, 'tables' | 'ofTypes'>,
): Promise<Needs['tables']> {
  let all = tables
  for (const type of ofTypes)
    for (const place of await sessions.read<ColumnPlace>(tableColumnsOf(type))) all = withColumn(all, place)
  return all
}

function withColumn(tables: Needs['tables'], { table, column }: ColumnPlace): Needs['tables'] {
  return tables.some((one) => isSameName(one, table))
    ? tables.map((one) => (isSameName(one, table) ? { ...one, columns: [...one.columns, column] } : one))
    : [...tables, { ...nameOf(table), columns: [column] }]
}
