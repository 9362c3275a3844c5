import { addColumn } from './add-column.ts'
import { changeType } from './change-type.ts'
import { createIndex } from './create-index.ts'
import { createTable } from './create-table.ts'
import { dropColumn } from './drop-column.ts'
import { mergeColumns } from './merge-columns.ts'
import type { Operation } from './migration.ts'
import type { OperationSpec } from './operation.ts'
import { renameColumn } from './rename-column.ts'
import { splitColumn } from './split-column.ts'

type Registry = { readonly [K in Operation['kind']]: OperationSpec<Extract<Operation, { kind: K }>> }

/** Every operation. One that is missing here does not compile. */
const OPERATIONS: Registry = {
  add_column: addColumn,
  change_type: changeType,
  create_table: createTable,
  create_index: createIndex,
  drop_column: dropColumn,
  merge_columns: mergeColumns,
  rename_column: renameColumn,
  split_column: splitColumn,
}

export const OPERATION_KINDS = Object.keys(OPERATIONS) as readonly Operation['kind'][]

export function specOf(op: Operation): OperationSpec<Operation> {
  // TypeScript cannot follow that the spec found under a kind takes the operations of that kind.
  return OPERATIONS[op.kind] as unknown as OperationSpec<Operation>
}
