import type { Operation } from '../../../src/core/operations/migration.ts'
import type { Lifecycle } from '../../support/lifecycle.ts'
import type { Draw } from './draw.ts'
import { numberedParts } from './parts.ts'
import { isWritten, type RandomColumn, type RandomTable } from './schema.ts'

/** A database on its way from one shape to another. */
export interface Way {
  readonly start: readonly RandomTable[]
  /** As plain DDL would make them in the end. */
  readonly tables: readonly RandomTable[]
  /** What plain DDL would add to them, by the names that tables have at the start. */
  readonly more: readonly string[]
  /** What it would do behind all that. */
  readonly last: readonly string[]
  /** Columns that no operation touches so far, by table. */
  readonly free: readonly Place[]
  /** Columns that the migration adds, and nothing else touches. */
  readonly added: readonly Place[]
  /** Tables that it makes; their columns are among those that it adds. */
  readonly made: readonly string[]
}

export interface Place {
  readonly table: string
  readonly column: RandomColumn
}

export interface Drawn {
  readonly operation: Operation
  /** What stands in front of it, or behind, about the same. */
  readonly before?: Operation
  readonly behind?: Operation
  readonly way: Way
  /** What could not stand behind it, and why. */
  readonly impossible?: NonNullable<Lifecycle['impossible']>
  /** Of things of its own, which nothing else touches; what they are in the end is in `way.more`. */
  readonly besides?: Pick<Lifecycle, 'given'> &
    Partial<Pick<Lifecycle, 'old' | 'renewed' | 'kept' | 'untouched' | 'afterwards' | 'stays'>>
}

/** Draws an operation that fits; undefined where there is none. */
export type Generator = (draw: Draw, way: Way) => Drawn | undefined

/** Is a place of a table that the migration gives another name? */
export function isRenamed({ tables }: Way): (place: Place) => boolean {
  return ({ table }) => tables.some(({ name, was }) => name === table && was !== undefined)
}

/** The name that a table has until the contract. */
export function atStart({ tables }: Way, table: string): string {
  return tables.find(({ name }) => name === table)?.was ?? table
}

/** One of the places that fit, or none. */
export function drawPlace(
  draw: Draw,
  places: readonly Place[],
  fits: (column: RandomColumn) => boolean = () => true,
): Place | undefined {
  const fitting = places.filter(({ column }) => fits(column))
  return fitting.length === 0 ? undefined : draw.one(fitting)
}

/** Columns of tables that the migration makes. */
export function ofMade({ added, made }: Way): readonly Place[] {
  return added.filter(({ table }) => made.includes(table))
}

/** A column of a table at whose first rows a foreign key may point. */
export function drawTarget(draw: Draw, way: Way): Place | undefined {
  return drawPlace(
    draw,
    way.free.filter(({ table }) => hasRows(way, table)),
  )
}

/** Are there rows that nobody changes? */
export function hasRows(way: Way, table: string): boolean {
  return way.start.some(({ name, isEmpty }) => name === atStart(way, table) && isEmpty === undefined)
}

/** The columns of a table are others in the end; those that an operation touched are free no more. */
export function withColumns(
  way: Way,
  table: string,
  change: (columns: readonly RandomColumn[]) => readonly RandomColumn[],
): Way {
  const tables = way.tables.map((one) =>
    one.name === table ? { ...one, columns: change(one.columns) } : one,
  )
  const columns = tables.find((one) => one.name === table)?.columns
  return {
    ...way,
    tables,
    free: way.free.filter((one) => one.table !== table || columns?.includes(one.column) === true),
  }
}

/** A column is another one in the end, at its place among the others. */
export function replaced(way: Way, { table, column }: Place, now: RandomColumn): Way {
  const changed = withColumns(way, table, (columns) => columns.map((one) => (one === column ? now : one)))
  return { ...changed, added: way.added.filter((one) => one.table !== table || one.column !== column) }
}

/** An operation uses a column as it is, and plain DDL adds something. */
export function using(way: Way, { table, column }: Place, ...more: readonly string[]): Way {
  const isOther = (one: Place) => one.table !== table || one.column.name !== column.name
  return {
    ...way,
    more: [...way.more, ...more],
    free: way.free.filter(isOther),
    added: way.added.filter(isOther),
  }
}

/** A table of which nothing is touched so far; one that goes is one to which no foreign key of another points. */
export function drawTable(draw: Draw, way: Way, becomes: 'other' | 'gone'): RandomTable | undefined {
  const fitting = way.tables.filter(
    (table) =>
      way.start.includes(table) &&
      table.columns.length > 0 &&
      table.columns.every(
        (column) =>
          !isWritten(column) || way.free.some((one) => one.table === table.name && one.column === column),
      ) &&
      (becomes === 'other' || isAlone(way, table)),
  )
  return fitting.length === 0 ? undefined : draw.one(fitting)
}

function isAlone({ tables }: Way, table: RandomTable): boolean {
  const { name, beside = [] } = table
  return beside.every(({ holds }) => !holds) && tables.every((one) => one === table || !pointsAt(one, name))
}

function pointsAt({ columns }: RandomTable, table: string): boolean {
  return columns.some(({ references }) => references === table)
}

/** The partitions of a table that a column is of, with an index that was there before: see `numberedParts`. */
export function renumbered(way: Way, { table, column }: Place): Way {
  const of = way.tables.find(({ name }) => name === table)
  if (of === undefined || column.indexed === undefined) return way
  return { ...way, more: [...way.more, ...numberedParts(of.was ?? of.name, column.name, of.divided)] }
}
