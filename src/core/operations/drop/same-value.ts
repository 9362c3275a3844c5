import type { BellowsError } from '../../errors.ts'
import { columnsNamed } from '../../parse.ts'
import { type KeptApart, keepsNoMoreApart, keptApart } from '../../plan/kept-apart.ts'
import { refused } from '../../plan/table-checks.ts'
import type { Index } from '../../schema/indexes.ts'
import type { Column, Table } from '../../schema/model.ts'
import { shown, trusted } from '../../sql.ts'
import type { DropColumn } from './drop.ts'

/**
 * Writers that no longer know the column all give one value until it is dropped: what tells rows apart by it, and by nothing that does
 * so alone, takes only the first of them.
 */
export function sameValueProblems(op: DropColumn, table: Table, column: Column): readonly BellowsError[] {
  const value = omittedValue(op, column)
  if (value === undefined) return []
  const refuse = (what: string, others: number) =>
    refused(
      `${what} takes the ${value.called} of "${op.table}"."${op.column}" only once${others === 0 ? '' : ' for what else it compares'}: writers that no longer know the column would fail before it is dropped.`,
      `Drop it in the migration before${value.instead === undefined ? '' : `, or ${value.instead}`}.`,
    )
  const met = table.indexes.filter(
    (index) =>
      index.unique &&
      isMet(keptApart(index), op.column, value.isNull) &&
      !isToldApartBy(index, table, op.column),
  )
  // NULL excludes nothing.
  const excluding = table.constraints.filter(
    ({ kind, columns }) => kind === 'exclusion' && columns.includes(op.column) && !value.isNull,
  )
  return [
    ...met.map((index) => {
      const { keys } = keptApart(index)
      const others = keys.filter(({ columns }) => columns.some((one) => one !== op.column))
      return refuse(`The unique index ${shown(index.name)}`, others.length)
    }),
    ...excluding.map(({ name, columns }) =>
      refuse(`The exclusion constraint ${shown(name)}`, columns.length - 1),
    ),
  ]
}

interface SameValue {
  readonly called: string
  readonly isNull: boolean
  /** What else could be done about it. */
  readonly instead?: string
}

/** What every row has that is written without the column, if all have the same. */
function omittedValue({ down }: DropColumn, column: Column): SameValue | undefined {
  if (down !== undefined) {
    const isConstant = columnsNamed(trusted(down)).length === 0
    return isConstant
      ? { called: '"down"', isNull: false, instead: 'take a value that differs from row to row' }
      : undefined
  }
  if (column.default !== null)
    // Of a stable one, such as now(), two rows of a transaction have the same.
    return column.defaultVolatility === 'volatile'
      ? undefined
      : { called: 'default', isNull: false, instead: 'drop the default' }
  const isNull = column.generated === 'no' && column.identity === 'no'
  return isNull ? { called: 'NULL', isNull } : undefined
}

function isMet({ keys, nullsDistinct }: KeptApart, column: string, isNull: boolean): boolean {
  const by = keys.filter(({ columns }) => columns.includes(column))
  return by.length > 0 && (!isNull || !nullsDistinct || by.every(({ isStrict }) => !isStrict))
}

/** Another index refuses all that this one would, whatever the column holds. */
function isToldApartBy(index: Index, table: Table, column: string): boolean {
  return table.indexes.some(
    (other) =>
      other.unique &&
      other.valid &&
      keptApart(other).keys.every(({ columns }) => !columns.includes(column)) &&
      keepsNoMoreApart(index, other, table),
  )
}
