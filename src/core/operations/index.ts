import { addColumn } from './add-column.ts'
import { addConstraint } from './add-constraint.ts'
import { addEnumValue } from './add-enum-value.ts'
import { alterColumn } from './alter-column.ts'
import { alterDomain } from './alter-domain.ts'
import { attachPartition } from './attach-partition.ts'
import { changeType } from './change-type.ts'
import { createIndex } from './create-index.ts'
import { createObject } from './create-object.ts'
import { createTable } from './create-table.ts'
import { detachPartition } from './detach-partition.ts'
import { dropColumn } from './drop-column.ts'
import { dropConstraint } from './drop-constraint.ts'
import { dropIndex } from './drop-index.ts'
import { dropObject } from './drop-object.ts'
import { dropTable } from './drop-table.ts'
import { grant } from './grant.ts'
import { mergeColumns } from './merge-columns.ts'
import type { Operation } from './migration.ts'
import { moveColumn } from './move-column.ts'
import type { OperationSpec } from './operation.ts'
import { removeEnumValue } from './remove-enum-value.ts'
import { renameColumn } from './rename-column.ts'
import { renameConstraint } from './rename-constraint.ts'
import { renameEnumValue } from './rename-enum-value.ts'
import { renameIndex } from './rename-index.ts'
import { renameTable } from './rename-table.ts'
import { replaceIndex } from './replace-index.ts'
import { replaceObject } from './replace-object.ts'
import { revoke } from './revoke.ts'
import { setTable } from './set-table.ts'
import { splitColumn } from './split-column.ts'
import { runSql } from './sql.ts'

type Registry = { readonly [K in Operation['kind']]: OperationSpec<Extract<Operation, { kind: K }>> }

/** Every operation. One that is missing here does not compile. */
const OPERATIONS: Registry = {
  add_column: addColumn,
  change_type: changeType,
  add_enum_value: addEnumValue,
  rename_enum_value: renameEnumValue,
  remove_enum_value: removeEnumValue,
  create_object: createObject,
  create_table: createTable,
  create_index: createIndex,
  add_constraint: addConstraint,
  alter_column: alterColumn,
  alter_domain: alterDomain,
  drop_column: dropColumn,
  drop_object: dropObject,
  rename_column: renameColumn,
  replace_object: replaceObject,
  sql: runSql,
  merge_columns: mergeColumns,
  split_column: splitColumn,
  move_column: moveColumn,
  drop_constraint: dropConstraint,
  drop_index: dropIndex,
  rename_index: renameIndex,
  replace_index: replaceIndex,
  drop_table: dropTable,
  rename_table: renameTable,
  set_table: setTable,
  rename_constraint: renameConstraint,
  attach_partition: attachPartition,
  detach_partition: detachPartition,
  grant,
  revoke,
}

export const OPERATION_KINDS = Object.keys(OPERATIONS) as readonly Operation['kind'][]

export function specOf(op: Operation): OperationSpec<Operation> {
  // TypeScript cannot follow that the spec found under a kind takes the operations of that kind.
  return OPERATIONS[op.kind] as unknown as OperationSpec<Operation>
}
