import type { BellowsError } from '../errors.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import { columnsPointedAt } from '../operations/rules/followers.ts'
import { keyActions } from '../operations/rules/key-action.ts'
import { findConstraint } from '../operations/rules/known.ts'
import { findTable, isSameName, type QualifiedName, type Schema } from '../schema/model.ts'
import { replacedBy } from './needs.ts'
import { refused, theTable } from './table-checks.ts'

/**
 * A foreign key with an action is dropped in the purge. What it points at cannot go before: the contract would wait for itself, or find
 * the key as another one.
 */
export function leftKeyProblems({ operations }: Migration, schema: Schema): readonly BellowsError[] {
  return operations.flatMap((op) => {
    const table = op.kind === 'drop_constraint' ? findTable(schema, theTable(op)) : undefined
    const key =
      op.kind === 'drop_constraint' && table !== undefined ? findConstraint(table, op.name) : undefined
    if (key === undefined || key.references === null || keyActions(key).length === 0) return []
    const [other, columns] = [key.references, columnsPointedAt(key, findTable(schema, key.references))]
    return operations
      .filter((one) => one !== op && takes(one, other, columns) && !comesBehind(one, op))
      .map((one) =>
        refused(
          `The foreign key "${key.name}" does more than to refuse (${keyActions(key).join(', ')}), so it goes in the purge, and ${one.kind} of the same migration takes away, or changes, what it points at.`,
          'Put them into two migrations; the second begins when the first is contracted.',
        ),
      )
  })
}

/** A table gets its other name when nothing of it is left to be dropped. */
function comesBehind(renaming: Operation, dropping: Operation): boolean {
  return (
    renaming.kind === 'rename_table' &&
    dropping.kind === 'drop_constraint' &&
    isSameName(theTable(renaming), theTable(dropping))
  )
}

function takes(op: Operation, table: QualifiedName, columns: readonly string[]): boolean {
  return replacedBy(op).some(
    (touch) =>
      touch.constraint === undefined &&
      (touch.column === undefined || columns.includes(touch.column)) &&
      isSameName(touch.table, table),
  )
}
