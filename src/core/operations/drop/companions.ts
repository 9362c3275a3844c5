import type { Hazard } from '../../plan/hazard.ts'
import { theTable } from '../../plan/table-checks.ts'
import { findTable, needsColumn } from '../../schema/model.ts'
import { shown } from '../../sql.ts'
import type { Context } from '../operation.ts'
import type { DropColumn } from './drop.ts'

/** PostgreSQL drops these with the column and does not say a word; the plan does. */
export function companions(op: DropColumn, { schema }: Context): readonly Hazard[] {
  const table = findTable(schema, theTable(op))
  if (table === undefined) return []
  const gone = [
    ...table.indexes
      .filter((one) => one.constraint === null && one.columns.includes(op.column))
      .map(({ name }) => ({ name, what: 'index' })),
    ...table.constraints
      .filter((one) => one.kind !== 'not_null' && needsColumn(table, one, op.column))
      .map(({ name }) => ({ name, what: 'constraint' })),
  ]
  return gone.map(({ what, name }) => ({
    code: 'goes_with_column',
    because: `The ${what} ${shown(name)} needs "${op.column}" and is dropped with it.`,
  }))
}
