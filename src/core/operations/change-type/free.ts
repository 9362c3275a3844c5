import { type Column, needsColumn, type Table } from '../../schema/model.ts'

type Typed = Pick<Column, 'type' | 'baseType'>

/**
 * Does PostgreSQL take the new type into the catalog, without looking at a row or at an index? What hangs on the column by an
 * expression is made anew with the type, and that is done under the lock. See decision 0022, and the test that measures it.
 */
export function isFree(table: Table, from: Column, to: Typed): boolean {
  return isWidening(from, to) && !isReadAnew(table, from.name)
}

function isReadAnew(table: Table, column: string): boolean {
  const isRule = table.constraints.some(
    (one) => ['check', 'foreign_key', 'exclusion'].includes(one.kind) && needsColumn(table, one, column),
  )
  const isExpression = table.indexes.some(
    (index) =>
      index.columns.includes(column) &&
      (index.nameParts.some((part) => !table.columns.some(({ name }) => name === part)) ||
        / WHERE /.test(index.definition)),
  )
  // Of other tables, too, and of the table itself.
  const isPointedAt = table.dependents.some(
    (one) => one.kind === 'foreign key' && one.column === column && one.bound === true,
  )
  return isRule || isExpression || isPointedAt
}

const TEXTS = new Set(['character varying', 'text'])
/** Their modifier is a precision, 6 when absent. */
const TIMES = new Set([
  'timestamp without time zone',
  'timestamp with time zone',
  'time without time zone',
  'time with time zone',
])
const TIME_PRECISION_MAX = 6

function isWidening(from: Typed, to: Typed): boolean {
  if (TEXTS.has(from.baseType) && TEXTS.has(to.baseType)) return most(from) <= most(to)
  if (from.baseType !== to.baseType) return false
  if (from.baseType === 'bit varying') return most(from) <= most(to)
  if (from.baseType === 'numeric') return isWiderNumber(from, to)
  if (TIMES.has(from.baseType)) return precision(from) <= precision(to)
  return false
}

function isWiderNumber(from: Typed, to: Typed): boolean {
  const [digits, scale] = modifiers(to)
  if (digits === undefined) return true
  const [digitsBefore, scaleBefore] = modifiers(from)
  return digitsBefore !== undefined && digitsBefore <= digits && (scaleBefore ?? 0) === (scale ?? 0)
}

function most(of: Typed): number {
  return modifiers(of)[0] ?? Number.POSITIVE_INFINITY
}

function precision(of: Typed): number {
  return modifiers(of)[0] ?? TIME_PRECISION_MAX
}

/** The numbers of a type as PostgreSQL prints it, which stand in its middle in `timestamp(3) without time zone`. */
function modifiers({ type }: Typed): readonly number[] {
  const inside = /\(([-\d,]+)\)/.exec(type)?.[1]
  return inside === undefined ? [] : inside.split(',').map(Number)
}
