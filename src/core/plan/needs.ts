import type { Migration, Operation } from '../operations/migration.ts'
import type { QualifiedName } from '../schema/model.ts'
import { tablesOf } from './plan.ts'

/** What must be asked of the server before a migration can be planned. */
export interface Needs {
  /** Tables, each with the columns whose dependents matter because they are to leave. */
  readonly tables: readonly (QualifiedName & { readonly columns: readonly string[] })[]
  /** Types as operations write them. */
  readonly types: readonly string[]
  /** Expressions as operations write them, each with the type that it must fit. */
  readonly expressions: readonly { readonly expression: string; readonly type: string }[]
}

export function needsOf(migration: Migration): Needs {
  return {
    tables: tablesOf(migration).map((table) => ({
      ...table,
      columns: migration.operations
        .filter((op) => op.namespace === table.namespace && op.table === table.name)
        .flatMap(leavingColumns),
    })),
    types: [...new Set(migration.operations.flatMap(typesOf))],
    expressions: migration.operations.flatMap((op) =>
      op.kind === 'add_column' && op.default !== undefined ? [{ expression: op.default, type: op.type }] : [],
    ),
  }
}

function leavingColumns(op: Operation): readonly string[] {
  if (op.kind === 'add_column') return []
  return [op.kind === 'drop_column' ? op.column : op.from]
}

function typesOf(op: Operation): readonly string[] {
  return 'type' in op && op.type !== undefined ? [op.type] : []
}
