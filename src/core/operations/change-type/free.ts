import { isWidening, type Typed } from '../../plan/widening.ts'
import { type Column, needsColumn, type Table } from '../../schema/model.ts'

/**
 * Does PostgreSQL take the new type into the catalog, without looking at a row or at an index? What hangs on the column by an
 * expression is made anew with the type, and that is done under the lock. See decision 0022, and the test that measures it.
 */
export function isFree(table: Table, from: Column, to: Typed): boolean {
  return isWidening(from, to) && !isReadAnew(table, from.name)
}

function isReadAnew(table: Table, column: string): boolean {
  const isRule = table.constraints.some(
    (one) => ['check', 'foreign_key', 'exclusion'].includes(one.kind) && needsColumn(table, one, column),
  )
  const isExpression = table.indexes.some(
    (index) =>
      index.columns.includes(column) &&
      (index.nameParts.some((part) => !table.columns.some(({ name }) => name === part)) ||
        / WHERE /.test(index.definition)),
  )
  // Of other tables, too, and of the table itself.
  const isPointedAt = table.dependents.some(
    (one) => one.kind === 'foreign key' && one.column === column && one.bound === true,
  )
  return isRule || isExpression || isPointedAt
}
