import { canonical } from '../hash.ts'
import type { Migration } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { namesFor } from './names.ts'
import { theTable } from './table-checks.ts'

/** Where an operation stands in its migration. */
export function placeOf(
  migration: Migration,
  at: number,
): Pick<Context, 'seed' | 'droppedBefore' | 'renamedBehind'> {
  return {
    seed: seedOf(migration, at),
    droppedBefore: migration.operations
      .slice(0, at)
      .flatMap((op, before) =>
        op.kind === 'drop_table' ? [{ table: theTable(op), seed: seedOf(migration, before) }] : [],
      ),
    renamedBehind: migration.operations.flatMap((op, behind) => {
      if (behind <= at || op.kind !== 'rename_column') return []
      const { hidden } = namesFor(seedOf(migration, behind), op.from, [])
      return [{ table: theTable(op), column: op.from, hidden }]
    }),
  }
}

function seedOf({ name, operations }: Migration, at: number): string {
  return canonical([name, at, operations[at]])
}
