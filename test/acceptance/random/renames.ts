import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { id } from '../../../src/core/sql.ts'
import { CHANGES, changed, mayChange } from './changes.ts'
import type { Draw } from './draw.ts'
import { isPlain, type RandomColumn } from './schema.ts'
import { drawPlace, type Generator, withColumns } from './way.ts'

/** What becomes of a column besides its name. */
interface More {
  readonly fields: Partial<Pick<RenameColumn, 'type' | 'collation' | 'nullable' | 'up' | 'down'>>
  /** How it is in the end, but for its name. */
  readonly column: RandomColumn
}

export const renameColumn: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  const to = draw.name()
  const { fields, column: end } =
    draw.one([same, otherType, otherCollation, neverNull])(column, to, draw) ?? same(column)
  return {
    operation: { kind: 'rename_column', namespace: 'public', table, from: column.name, to, ...fields },
    way: withColumns(way, table, (columns) => [
      ...columns.filter((one) => one !== column),
      { ...end, name: to, was: column.name },
    ]),
    pair: { from: id(table), filled: id(to), old: fields.up ?? id(column.name), renewed: id(to) },
  }
}

function same(column: RandomColumn): More {
  return { fields: {}, column }
}

function otherType(column: RandomColumn, to: string, draw: Draw): More | undefined {
  const fitting = CHANGES.filter((change) => mayChange(column, change))
  if (fitting.length === 0) return undefined
  return changed(column, draw.one(fitting), to)
}

function otherCollation(column: RandomColumn): More | undefined {
  const isText = column.type === 'text' || column.type.startsWith('character')
  return isText ? { fields: { collation: 'C' }, column: { ...column, collation: 'C' } } : undefined
}

function neverNull(column: RandomColumn, to: string): More | undefined {
  if (column.type !== 'text' || !column.nullable || !isPlain(column)) return undefined
  const up = `coalesce(${id(column.name)}, 'none')`
  return {
    fields: { nullable: false, up, down: `nullif(${id(to)}, 'none')` },
    column: { ...column, nullable: false, mapped: up, values: { ...column.values, nulls: false } },
  }
}
