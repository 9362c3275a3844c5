import { canonical } from '../hash.ts'
import type { Migration } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { isCopying, oldName } from './copies.ts'
import { namesFor } from './names.ts'
import { theTable } from './table-checks.ts'

/** Where an operation stands in its migration. */
export function placeOf(
  migration: Migration,
  at: number,
): Pick<Context, 'seed' | 'droppedBefore' | 'renamedBehind' | 'hiddenBehind'> {
  const copying = migration.operations.flatMap((op, behind) => {
    if (behind <= at || !isCopying(op)) return []
    const { hidden } = namesFor(seedOf(migration, behind), oldName(op), [])
    return [{ op, column: { table: theTable(op), column: oldName(op), hidden } }]
  })
  return {
    seed: seedOf(migration, at),
    droppedBefore: migration.operations
      .slice(0, at)
      .flatMap((op, before) =>
        op.kind === 'drop_table' ? [{ table: theTable(op), seed: seedOf(migration, before) }] : [],
      ),
    renamedBehind: copying.flatMap(({ op, column }) => (op.kind === 'rename_column' ? [column] : [])),
    hiddenBehind: copying.map(({ column }) => column),
  }
}

function seedOf({ name, operations }: Migration, at: number): string {
  return canonical([name, at, operations[at]])
}
