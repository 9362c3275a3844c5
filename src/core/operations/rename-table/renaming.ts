import { theTable } from '../../plan/table-checks.ts'
import { findTable, type QualifiedName, type Table } from '../../schema/model.ts'
import type { Context } from '../operation.ts'

/**
 * Renames a table. Until the contract the new name is a view of the table, so whatever runs under the old name goes on as it was;
 * then the table takes the place of the view. See decision 0027.
 */
export interface RenameTable {
  readonly kind: 'rename_table'
  readonly namespace: string
  readonly table: string
  /** Its new name, in the same namespace. */
  readonly to: string
}

export function newName({ namespace, to }: RenameTable): QualifiedName {
  return { namespace, name: to }
}

export function tableOf(op: RenameTable, { schema }: Context): Table {
  return findTable(schema, theTable(op)) as Table
}
