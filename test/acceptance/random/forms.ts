import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import type { TypeName } from './types.ts'

/** How an index is on a column: what stands behind its table. */
export interface Form {
  readonly sql: (column: string) => string
  /** Further columns in the name that PostgreSQL gives it. */
  readonly more: readonly string[]
  /** Must it have a name of its own, as PostgreSQL would number several of the kind? */
  readonly isNamed: boolean
  /** Is it the same whatever becomes of the type? */
  readonly isFree: boolean
}

const PLAIN: Form = { sql: (column) => `(${column})`, more: [], isNamed: false, isFree: true }
const FREE: readonly Form[] = [
  PLAIN,
  PLAIN,
  { ...PLAIN, sql: (column) => `(${column} desc nulls last)` },
  { ...PLAIN, sql: (column) => `(${column}) with (fillfactor = 60)` },
]
const WHOLE: readonly Form[] = [
  { ...PLAIN, sql: (column) => `(id, ${column})`, isNamed: true },
  { ...PLAIN, sql: (column) => `(${column}, id desc)`, more: ['id'] },
  { ...PLAIN, sql: (column) => `(id) include (${column})`, isNamed: true },
]
const OTHERS: readonly Form[] = [
  { ...PLAIN, sql: (column) => `(${column}) where ${column} is not null`, isFree: false },
  { ...PLAIN, sql: (column) => `using hash (${column})` },
]
const OF_TEXT: readonly Form[] = [
  { ...PLAIN, sql: (column) => `(lower(${column}), id)`, isNamed: true, isFree: false },
  { ...PLAIN, sql: (column) => `(${column} text_pattern_ops)`, isFree: false },
]

/** @param isWhole of a table without partitions, of whose parts PostgreSQL would have to find the names */
export function drawForm(draw: Draw, type: TypeName, isWhole: boolean): Form {
  const all = [...FREE, ...(isWhole ? WHOLE : []), ...OTHERS]
  return draw.one(isWhole && type === 'text' ? [...all, ...OF_TEXT] : all)
}

export function ordered(order: string): Form {
  return { ...PLAIN, sql: (column) => `(${column}${order})` }
}

/** What else is said of a column, and is carried along with it. */
export type Note = (table: string, column: string) => string

const NOTES: readonly Note[] = [
  (table, column) => `alter table ${table} alter column ${column} set statistics 55;`,
  (table, column) => `comment on column ${table}.${column} is 'what it is: ''it''';`,
  (table, column) => `grant select (${column}), update (${column}) on ${table} to pg_monitor;`,
]
const OF_LONG: readonly Note[] = [
  (table, column) => `alter table ${table} alter column ${column} set storage external;`,
]

export function drawNotes(draw: Draw, type: TypeName): readonly Note[] {
  if (draw.chance(0.7)) return []
  const all = [...NOTES, ...(type === 'text' ? OF_LONG : [])]
  return all.filter(() => draw.chance(0.5))
}

export function notesSql(table: string, column: string, notes: readonly Note[] = []): readonly string[] {
  return notes.map((note) => note(id(table), id(column)))
}
