import type { Operation } from '../../../src/core/operations/migration.ts'
import { addColumn, alterColumn, changeType, dropColumn, mergeColumns, splitColumn } from './columns.ts'
import { alterDomain } from './domains.ts'
import { addEnumValue, removeEnumValue, renameEnumValue } from './enums.ts'
import { renameKey } from './keys.ts'
import { moveColumn } from './moves.ts'
import { attachPartition, detachPartition } from './partitions.ts'
import { renameColumn } from './renames.ts'
import { grant, revoke } from './rights.ts'
import {
  addConstraint,
  createIndex,
  dropConstraint,
  dropIndex,
  renameConstraint,
  renameIndex,
  replaceIndex,
} from './rules.ts'
import { createTable, dropTable, renameTable, setTable } from './tables.ts'
import { createObject, runSql } from './things.ts'
import type { Generator } from './way.ts'

/** Of the kinds of operations that can be drawn, each one; a new kind adds its own. */
export const GENERATORS: Readonly<Partial<Record<Operation['kind'], Generator>>> = {
  add_column: addColumn,
  add_constraint: addConstraint,
  add_enum_value: addEnumValue,
  rename_enum_value: renameEnumValue,
  remove_enum_value: removeEnumValue,
  alter_domain: alterDomain,
  grant,
  revoke,
  attach_partition: attachPartition,
  detach_partition: detachPartition,
  alter_column: alterColumn,
  change_type: changeType,
  create_index: createIndex,
  create_object: createObject,
  create_table: createTable,
  drop_column: dropColumn,
  drop_constraint: dropConstraint,
  drop_index: dropIndex,
  drop_table: dropTable,
  merge_columns: mergeColumns,
  move_column: moveColumn,
  rename_column: (draw, way) => draw.one([renameColumn, renameColumn, renameKey])(draw, way),
  rename_constraint: renameConstraint,
  rename_index: renameIndex,
  rename_table: renameTable,
  replace_index: replaceIndex,
  set_table: setTable,
  split_column: splitColumn,
  sql: runSql,
}
