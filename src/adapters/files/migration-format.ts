import { z } from 'zod'
import type { Operation } from '../../core/operations/migration.ts'
import { addColumn } from './formats/add-column.ts'
import { addConstraint } from './formats/add-constraint.ts'
import { alterColumn } from './formats/alter-column.ts'
import { changeType } from './formats/change-type.ts'
import { createIndex } from './formats/create-index.ts'
import { createTable } from './formats/create-table.ts'
import { dropColumn } from './formats/drop-column.ts'
import { dropConstraint } from './formats/drop-constraint.ts'
import { dropIndex } from './formats/drop-index.ts'
import { dropTable } from './formats/drop-table.ts'
import { renameColumn } from './formats/rename-column.ts'
import { renameConstraint } from './formats/rename-constraint.ts'
import { renameIndex } from './formats/rename-index.ts'
import { renameTable } from './formats/rename-table.ts'
import { replaceIndex } from './formats/replace-index.ts'
import { setTable } from './formats/set-table.ts'

/** The format of every operation, by the key that it has in a file. One that is missing here does not compile. See docs/migrations.md. */
export const OPERATION_FORMATS = {
  add_column: addColumn,
  change_type: changeType,
  create_table: createTable,
  create_index: createIndex,
  add_constraint: addConstraint,
  alter_column: alterColumn,
  drop_column: dropColumn,
  drop_table: dropTable,
  drop_constraint: dropConstraint,
  drop_index: dropIndex,
  rename_index: renameIndex,
  replace_index: replaceIndex,
  rename_column: renameColumn,
  rename_table: renameTable,
  set_table: setTable,
  rename_constraint: renameConstraint,
} as const satisfies Readonly<Record<Operation['kind'], z.ZodType>>

export const migrationFormat = z.strictObject({
  operations: z.array(z.record(z.string(), z.unknown())).min(1),
})
