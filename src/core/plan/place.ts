import { canonical } from '../hash.ts'
import type { Migration } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { theTable } from './table-checks.ts'

/** Where an operation stands in its migration. */
export function placeOf(migration: Migration, at: number): Pick<Context, 'seed' | 'droppedBefore'> {
  return {
    seed: seedOf(migration, at),
    droppedBefore: migration.operations
      .slice(0, at)
      .flatMap((op, before) =>
        op.kind === 'drop_table' ? [{ table: theTable(op), seed: seedOf(migration, before) }] : [],
      ),
  }
}

function seedOf({ name, operations }: Migration, at: number): string {
  return canonical([name, at, operations[at]])
}
