import type { BellowsError } from '../errors.ts'
import { specOf } from '../operations/index.ts'
import type { Migration } from '../operations/migration.ts'
import { findTable, type Schema } from '../schema/model.ts'
import { qualified } from '../sql.ts'
import { refused } from './table-checks.ts'

/** PostgreSQL says so only when it comes to that, which of a column that is to go is behind the rollout. */
export function typedTableProblems({ operations }: Migration, start: Schema): readonly BellowsError[] {
  if (!start.tables.some(({ typed }) => typed)) return []
  return operations.flatMap((op) => {
    const changed = specOf(op)
      .needs(op)
      .touches.find(
        (touch) =>
          !('object' in touch) &&
          touch.column !== undefined &&
          (touch.how === 'adds' || touch.how === 'replaces') &&
          findTable(start, touch.table)?.typed === true,
      )
    if (changed === undefined || 'object' in changed) return []
    return [
      refused(
        `"${changed.table.name}" is a typed table: its columns are those of its type, and none comes, goes or gets another name by itself.`,
        `Make it a plain table first, which changes no row: alter table ${qualified(changed.table)} not of`,
      ),
    ]
  })
}
