import { z } from 'zod'
import type { Operation } from '../../core/operations/migration.ts'
import { addColumn } from './formats/add-column.ts'
import { addConstraint } from './formats/add-constraint.ts'
import { addEnumValue } from './formats/add-enum-value.ts'
import { alterColumn } from './formats/alter-column.ts'
import { alterDomain } from './formats/alter-domain.ts'
import { attachPartition } from './formats/attach-partition.ts'
import { changeType } from './formats/change-type.ts'
import { createIndex } from './formats/create-index.ts'
import { createObject } from './formats/create-object.ts'
import { createTable } from './formats/create-table.ts'
import { detachPartition } from './formats/detach-partition.ts'
import { dropColumn } from './formats/drop-column.ts'
import { dropConstraint } from './formats/drop-constraint.ts'
import { dropIndex } from './formats/drop-index.ts'
import { dropObject } from './formats/drop-object.ts'
import { dropTable } from './formats/drop-table.ts'
import { grant } from './formats/grant.ts'
import { mergeColumns } from './formats/merge-columns.ts'
import { moveColumn } from './formats/move-column.ts'
import { removeEnumValue } from './formats/remove-enum-value.ts'
import { renameColumn } from './formats/rename-column.ts'
import { renameConstraint } from './formats/rename-constraint.ts'
import { renameEnumValue } from './formats/rename-enum-value.ts'
import { renameIndex } from './formats/rename-index.ts'
import { renameTable } from './formats/rename-table.ts'
import { replaceIndex } from './formats/replace-index.ts'
import { replaceObject } from './formats/replace-object.ts'
import { revoke } from './formats/revoke.ts'
import { setTable } from './formats/set-table.ts'
import { splitColumn } from './formats/split-column.ts'
import { runSql } from './formats/sql.ts'
import { type Finding, findingsOf, placeText, unknownName } from './issues.ts'
import type { Path } from './source.ts'

/** The format of every operation, by the key that it has in a file. One that is missing here does not compile. See docs/migrations.md. */
export const OPERATION_FORMATS = {
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
} as const satisfies { readonly [K in Operation['kind']]: z.ZodType<Reason<K>> }

/** What takes a reason takes it in a file as well. */
type Reason<K> = 'unsafe' extends keyof Extract<Operation, { readonly kind: K }>
  ? { readonly unsafe?: string | undefined }
  : unknown

export const migrationFormat = z.strictObject({
  /** Editors look there for the format. */
  $schema: z.string().optional(),
  operations: z.array(z.record(z.string(), z.unknown())).min(1),
})

export type Read =
  | { readonly ok: true; readonly operations: readonly Operation[] }
  | { readonly ok: false; readonly findings: readonly Finding[] }

/** Reads the content of a migration file, whatever it was written in; else says everything that is wrong with it. */
export function parseMigration(content: unknown): Read {
  const entries = entriesOf(content).flatMap((entry, at) =>
    entry === undefined ? [] : [parseOperation(entry, ['operations', at])],
  )
  const findings = [...findingsOf(migrationFormat, content, []), ...entries.flatMap(({ wrong }) => wrong)]
  if (findings.length > 0) return { ok: false, findings }
  return { ok: true, operations: entries.flatMap(({ operation }) => operation) }
}

/** What is no operation at all, the format of the file says. */
function entriesOf(content: unknown): readonly (object | undefined)[] {
  const { operations } = Object(content) as { readonly operations?: unknown }
  if (!Array.isArray(operations)) return []
  return operations.map((entry: unknown) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? entry : undefined,
  )
}

interface Entry {
  readonly operation: readonly Operation[]
  readonly wrong: readonly Finding[]
}

function parseOperation(entry: object, path: Path): Entry {
  const kinds = Object.keys(entry)
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) {
    const has = kinds.length === 0 ? 'none' : kinds.join(', ')
    const message = `${placeText(path)}: an operation is an object with one key, its kind; this one has ${has}`
    return { operation: [], wrong: [{ path, which: 'key', message }] }
  }
  if (!isKind(kind)) {
    const known = Object.keys(OPERATION_FORMATS)
    const message = `${placeText(path)}: there is no operation "${kind}"; ${unknownName(kind, known)}`
    return { operation: [], wrong: [{ path: [...path, kind], which: 'key', message }] }
  }
  const fields = (entry as Readonly<Record<string, unknown>>)[kind]
  const parsed = OPERATION_FORMATS[kind].safeParse(fields)
  if (parsed.success) return { operation: [{ kind, ...parsed.data } as Operation], wrong: [] }
  return { operation: [], wrong: findingsOf(OPERATION_FORMATS[kind], fields, [...path, kind]) }
}

function isKind(kind: string): kind is Operation['kind'] {
  return Object.hasOwn(OPERATION_FORMATS, kind)
}
