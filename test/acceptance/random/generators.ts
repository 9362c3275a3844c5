import type { Operation } from '../../../src/core/operations/migration.ts'
import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import { drawColumn, type RandomColumn, type RandomTable, tableSql } from './schema.ts'

/** A database on its way from one shape to another. */
export interface Way {
  /** As plain DDL would make them in the end. */
  readonly tables: readonly RandomTable[]
  /** What plain DDL would add to them. */
  readonly more: readonly string[]
  /** Columns that no operation touches so far, by table. */
  readonly free: readonly { readonly table: string; readonly column: RandomColumn }[]
}

export interface Drawn {
  readonly operation: Operation
  readonly way: Way
  /** Two columns that agree wherever the second is filled. */
  readonly pair?: { readonly table: string; readonly from: string; readonly to: string }
  /** Can it be done a second time, because it names nothing that would be there by then? */
  readonly again?: true
}

/** Draws an operation that fits; undefined where there is none. */
type Generator = (draw: Draw, way: Way) => Drawn | undefined

/** Of every kind of operation; a new one adds its own. */
export const GENERATORS: Readonly<Partial<Record<Operation['kind'], Generator>>> = {
  add_column: (draw, way) => {
    const table = draw.one(way.tables)
    const drawn = { ...drawColumn(draw), unique: false, checked: false, indexed: false }
    const column = { ...drawn, nullable: drawn.nullable || drawn.byDefault === undefined }
    const { name, type, nullable, byDefault } = column
    return {
      operation: {
        kind: 'add_column',
        namespace: 'public',
        table: table.name,
        column: name,
        type,
        nullable,
        ...(byDefault === undefined ? {} : { default: byDefault }),
      },
      way: changed(way, table.name, (columns) => [...columns, column]),
    }
  },

  drop_column: (draw, way) => {
    const fits = way.free.filter(({ column }) => column.nullable || column.byDefault !== undefined)
    if (fits.length === 0) return undefined
    const { table, column } = draw.one(fits)
    return {
      operation: { kind: 'drop_column', namespace: 'public', table, column: column.name },
      way: changed(way, table, (columns) => columns.filter(({ name }) => name !== column.name)),
    }
  },

  rename_column: (draw, way) => {
    if (way.free.length === 0) return undefined
    const { table, column } = draw.one(way.free)
    const to = draw.name()
    return {
      operation: { kind: 'rename_column', namespace: 'public', table, from: column.name, to },
      way: changed(way, table, (columns) => [
        ...columns.filter(({ name }) => name !== column.name),
        { ...column, name: to },
      ]),
      pair: { table, from: column.name, to },
    }
  },

  create_index: (draw, way) => {
    const fits = way.free.filter(({ column }) => column.type !== 'jsonb')
    if (fits.length === 0) return undefined
    const { table, column } = draw.one(fits)
    const how = draw.one(['', ' desc', ' nulls first'])
    const definition = `create index on ${id(table)} (${id(column.name)}${how}, id)`
    const used = without(way, table, column.name)
    return {
      operation: { kind: 'create_index', definition },
      way: { ...used, more: [...way.more, `${definition};`] },
      again: true,
    }
  },

  create_table: (draw, way) => {
    const columns = Array.from({ length: draw.number(1, 4) }, () => ({
      ...drawColumn(draw),
      unique: false,
      checked: false,
      indexed: false,
    }))
    const table = { name: draw.name(), columns }
    return {
      operation: {
        kind: 'create_table',
        namespace: 'public',
        table: table.name,
        columns: [
          { name: 'id', type: 'bigint', nullable: false, identity: 'by_default' },
          ...columns.map(({ name, type, nullable, byDefault }) => ({
            name,
            type,
            nullable,
            ...(byDefault === undefined ? {} : { default: byDefault }),
          })),
        ],
        primaryKey: ['id'],
        constraints: [],
      },
      way: { ...way, more: [...way.more, tableSql(table)] },
    }
  },

  add_constraint: (draw, way) => {
    if (way.free.length === 0) return undefined
    const { table, column } = draw.one(way.free)
    const check = `${id(column.name)}::text <> 'nobody'`
    const used = without(way, table, column.name)
    return {
      operation: { kind: 'add_constraint', namespace: 'public', table, check },
      way: { ...used, more: [...way.more, `alter table ${id(table)} add check (${check});`] },
      again: true,
    }
  },
}

/** The table looks so in the end; what an operation touches is free no more. */
function changed(
  way: Way,
  table: string,
  change: (columns: readonly RandomColumn[]) => readonly RandomColumn[],
): Way {
  const tables = way.tables.map((one) =>
    one.name === table ? { ...one, columns: change(one.columns) } : one,
  )
  const isThere = (of: string, { name }: RandomColumn) =>
    tables.some((one) => one.name === of && one.columns.some((column) => column.name === name))
  return { ...way, tables, free: way.free.filter((one) => isThere(one.table, one.column)) }
}

function without(way: Way, table: string, column: string): Way {
  return { ...way, free: way.free.filter((one) => one.table !== table || one.column.name !== column) }
}
