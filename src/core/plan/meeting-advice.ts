import { specOf } from '../operations/index.ts'
import type { Operation } from '../operations/migration.ts'
import type { TableTouch, Touch } from '../operations/needs.ts'
import { isSameName } from '../schema/model.ts'
import { areStatementsBefore } from './before-renaming.ts'
import { isCopying, mayBuildOn, newName } from './copies.ts'
import { theTable } from './table-checks.ts'

export const APART = 'Put them into two migrations; the second begins when the first is contracted.'

/** What to do about two operations of one migration that touch the same. What becomes of one column is one change, and one copy. */
export function adviceFor(earlier: Operation, later: Operation): string {
  const both = [earlier, later]
  const rename = both.find(({ kind }) => kind === 'rename_column')
  if (rename?.kind === 'rename_column' && both.some(({ kind }) => kind === 'change_type'))
    return `Leave change_type away and give rename_column of "${rename.from}" what it says: type, collation, nullable, up (over ${rename.from}) and down (over ${rename.to}). Both are done by one copy then.`
  if (earlier.kind === 'rename_column' && mayBuildOn(later)) {
    const old = { table: theTable(earlier), column: earlier.from }
    if (partsOf(later, 'uses').some((one) => isSamePlace(one, old)))
      return `Behind ${earlier.kind} the column is called "${earlier.to}": say that.`
  }
  if (later.kind === 'add_column' && partsOf(later, 'adds').some((one) => isUsed(one, earlier)))
    return `Put ${later.kind} in front of ${earlier.kind}, which builds on what it adds.`
  if (both.some(({ kind }) => kind === 'rename_table') && both.some(areStatementsBefore))
    return 'Put the statements in front of rename_table, by the old name of the table.'
  if (!isCopying(later) || isCopying(earlier) || !mayBuildOn(earlier)) return APART
  return `Put ${earlier.kind} behind ${later.kind}, for "${newName(later)}" as it is then.`
}

function isUsed(added: TableTouch, by: Operation): boolean {
  return added.column !== undefined && partsOf(by, 'uses').some((one) => isSamePlace(one, added))
}

function partsOf(op: Operation, how: Touch['how']): readonly TableTouch[] {
  const { touches } = specOf(op).needs(op)
  return touches.flatMap((touch) => ('object' in touch || touch.how !== how ? [] : [touch]))
}

type Place = Pick<TableTouch, 'table' | 'column'>

function isSamePlace(a: Place, b: Place): boolean {
  return a.column === b.column && isSameName(a.table, b.table)
}
