import type { Operation } from '../../../src/core/operations/migration.ts'
import { addColumn } from './added.ts'
import { alterColumn } from './alters.ts'
import { changeType, dropColumn, mergeColumns, splitColumn } from './columns.ts'
import { alterDomain } from './domains.ts'
import { addEnumValue, removeEnumValue, renameEnumValue } from './enums.ts'
import { createIndex, dropIndex, renameIndex, replaceIndex } from './indexes.ts'
import { changeKey, renameKey } from './keys.ts'
import { moveColumn } from './moves.ts'
import { attachPartition, detachPartition } from './partitions.ts'
import { renameColumn } from './renames.ts'
import { grant, revoke } from './rights.ts'
import { addConstraint, dropConstraint, renameConstraint } from './rules.ts'
import { createTable, dropTable, renameTable, setTable } from './tables.ts'
import { createObject, dropObject, replaceObject, runSql } from './things.ts'
import type { Generator } from './way.ts'

/** Every kind of operation can be drawn. */
export const GENERATORS: Readonly<Record<Operation['kind'], Generator>> = {
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
  change_type: (draw, way) => draw.one([changeType, changeType, changeKey])(draw, way),
  create_index: createIndex,
  create_object: createObject,
  create_table: createTable,
  drop_column: dropColumn,
  drop_constraint: dropConstraint,
  drop_index: dropIndex,
  drop_object: dropObject,
  drop_table: dropTable,
  merge_columns: mergeColumns,
  move_column: moveColumn,
  rename_column: (draw, way) => draw.one([renameColumn, renameColumn, renameKey])(draw, way),
  rename_constraint: renameConstraint,
  rename_index: renameIndex,
  rename_table: renameTable,
  replace_index: replaceIndex,
  replace_object: replaceObject,
  set_table: setTable,
  split_column: splitColumn,
  sql: runSql,
}
