import { theTable } from '../../plan/table-checks.ts'
import type { RowValue } from '../../schema/facts.ts'
import type { Reasoned } from '../reasoned.ts'

/** Drops a column for good. Between retire and purge it is only hidden, and `undo` brings it back with its values. */
export interface DropColumn extends Reasoned {
  readonly kind: 'drop_column'
  readonly namespace: string
  readonly table: string
  readonly column: string
  /**
   * An immutable SQL expression over the other columns: what a row gets that is written without the column, until the purge. For
   * one that is NOT NULL without a default, which writers that no longer know it could not leave out otherwise.
   */
  readonly down?: string
}

export function downOf(op: DropColumn): RowValue | undefined {
  if (op.down === undefined) return undefined
  return { table: theTable(op), expression: op.down, fits: { column: op.column }, as: 'row' }
}
