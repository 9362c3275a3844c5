import type { Operation } from '../../../src/core/operations/migration.ts'
import {
  addColumn,
  alterColumn,
  changeType,
  dropColumn,
  mergeColumns,
  renameColumn,
  splitColumn,
} from './columns.ts'
import { alterDomain } from './domains.ts'
import { addEnumValue, removeEnumValue, renameEnumValue } from './enums.ts'
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
  rename_column: renameColumn,
  rename_constraint: renameConstraint,
  rename_index: renameIndex,
  rename_table: renameTable,
  replace_index: replaceIndex,
  set_table: setTable,
  split_column: splitColumn,
  sql: runSql,
}
