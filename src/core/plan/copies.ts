import type { Operation } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { isSameName } from '../schema/model.ts'
import { theTable } from './table-checks.ts'

/** What gives a column another name, or another type under its own, as a rule by a copy. */
export type Copying = Extract<Operation, { kind: 'rename_column' | 'change_type' }>

/** What an operation says of one column. */
export type Altering = Extract<Operation, { kind: 'alter_column' }>

export function isCopying(op: Operation): op is Copying {
  return op.kind === 'rename_column' || op.kind === 'change_type'
}

export function oldName(op: Copying): string {
  return op.kind === 'rename_column' ? op.from : op.column
}

export function newName(op: Copying): string {
  return op.kind === 'rename_column' ? op.to : op.column
}

/** Is a value another one behind the copy, and not only written in another type? */
export function changesValues(op: Copying): boolean {
  return op.up !== undefined || (op.kind === 'rename_column' && (op.transform ?? 'copy') !== 'copy')
}

/** May an operation work on the new column that one in front of it makes, as far as this touch goes? */
export function buildsOn(earlier: Operation, later: Operation, touch: Touch): boolean {
  return isCopying(earlier) && mayBuildOn(later) && isOf(touch, earlier, newName(earlier))
}

/** Does the copy take over what an operation in front of it says of the old column? */
export function takesOver(earlier: Operation, later: Operation, touch: Touch): boolean {
  return (
    isCopying(later) &&
    earlier.kind === 'alter_column' &&
    isCarried(earlier) &&
    isOf(touch, later, oldName(later))
  )
}

/** Who may work on a column as soon as it can be worked on. The rest would have to look at it before. */
export function mayBuildOn(op: Operation): boolean {
  if (op.kind === 'create_index' || op.kind === 'add_constraint') return true
  return op.kind === 'alter_column' && op.nullable !== true
}

/** Nothing of it is in force later than the copy begins. */
function isCarried({ nullable, default: value, check, unique, references }: Altering): boolean {
  return (
    nullable !== false && value !== null && [check, unique, references].every((rule) => rule === undefined)
  )
}

function isOf(touch: Touch, op: Copying, column: string): boolean {
  return !('object' in touch) && touch.column === column && isSameName(touch.table, theTable(op))
}
