import type { Column } from '../schema/model.ts'

export type Typed = Pick<Column, 'type' | 'baseType'>

const TEXTS = new Set(['character varying', 'text'])
/** Their modifier is a precision, 6 when absent. */
const TIMES = new Set([
  'timestamp without time zone',
  'timestamp with time zone',
  'time without time zone',
  'time with time zone',
])
const TIME_PRECISION_MAX = 6

/** Does every value of the one stay as it is stored when it becomes the other? */
export function isWidening(from: Typed, to: Typed): boolean {
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

/** The most characters or bits that a type takes. */
export function most(of: Typed): number {
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
