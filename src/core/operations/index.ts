import { addColumn } from './add-column.ts'
import { dropColumn } from './drop-column.ts'
import type { Operation } from './migration.ts'
import type { OperationSpec } from './operation.ts'
import { renameColumn } from './rename-column.ts'
import { runSql } from './sql.ts'

type Registry = { readonly [K in Operation['kind']]: OperationSpec<Extract<Operation, { kind: K }>> }

/** Every operation. One that is missing here does not compile. */
const OPERATIONS: Registry = {
  add_column: addColumn,
  drop_column: dropColumn,
  rename_column: renameColumn,
  sql: runSql,
}

export const OPERATION_KINDS = Object.keys(OPERATIONS) as readonly Operation['kind'][]

export function specOf(op: Operation): OperationSpec<Operation> {
  // TypeScript cannot follow that the spec found under a kind takes the operations of that kind.
  return OPERATIONS[op.kind] as unknown as OperationSpec<Operation>
}
