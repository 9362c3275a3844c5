import { id } from '../../../src/core/sql.ts'
import { CHANGES, mayChange } from './changes.ts'
import { DEFAULTS, drawPlainColumn, isPlain, type RandomColumn } from './schema.ts'
import { drawPlace, type Generator, type Place, renumbered, replaced, using, withColumns } from './way.ts'

export const addColumn: Generator = (draw, way) => {
  const table = draw.one(way.tables)
  const drawn = drawPlainColumn(draw)
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
    way: {
      ...withColumns(way, table.name, (columns) => [...columns, column]),
      added: [...way.added, { table: table.name, column }],
    },
  }
}

export const dropColumn: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ nullable, byDefault }) => nullable || byDefault !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  return {
    operation: { kind: 'drop_column', namespace: 'public', table, column: column.name },
    way: withColumns(way, table, (columns) => columns.filter((one) => one !== column)),
  }
}

export const changeType: Generator = (draw, way) => {
  const change = draw.one(CHANGES)
  const isByHand = change.up !== ''
  const place = drawPlace(draw, way.free, (column) => mayChange(column, change))
  if (place === undefined) return undefined
  const { table, column } = place
  return {
    operation: {
      kind: 'change_type',
      namespace: 'public',
      table,
      column: column.name,
      type: change.to,
      ...(isByHand ? { up: `${id(column.name)}${change.up}`, down: `${id(column.name)}${change.down}` } : {}),
    },
    // What is written into it can be written into either type.
    way: renumbered(
      withColumns(way, table, (columns) => [
        ...columns.filter((one) => one !== column),
        { ...column, type: change.to },
      ]),
      place,
    ),
    // By hand a text may become another text.
    ...(isByHand ? { again: true } : {}),
  }
}

export const alterColumn: Generator = (draw, way) => {
  const place = drawPlace(
    draw,
    draw.chance(0.3) ? way.added : way.free,
    ({ references }) => references === undefined,
  )
  if (place === undefined) return undefined
  const { table, column } = place
  const operation = { kind: 'alter_column', namespace: 'public', table, column: column.name } as const
  const comment = `it's ${draw.number(1, 99)}`
  const commented = using(
    way,
    place,
    `comment on column ${id(table)}.${id(column.name)} is '${comment.replaceAll("'", "''")}';`,
  )
  if (way.added.includes(place) || draw.chance(0.3))
    return { operation: { ...operation, comment }, way: commented, again: true }
  if (!column.nullable && draw.chance(0.5))
    return {
      operation: { ...operation, nullable: true },
      way: replaced(way, place, { ...column, nullable: true }),
    }
  const { byDefault: _, ...without } = column
  const isSet = column.byDefault === undefined
  const byDefault = DEFAULTS[column.values.type]
  return {
    operation: { ...operation, default: isSet ? byDefault : null },
    way: replaced(way, place, isSet ? { ...column, byDefault } : without),
  }
}

export const splitColumn: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, (column) => column.type === 'text' && isPlain(column))
  if (place === undefined) return undefined
  const { table, column } = place
  const parts = ['left(%, 1)', 'substr(%, 2)'].map((part) => {
    const of = (value: string) => part.replace('%', () => value)
    return {
      up: of(id(column.name)),
      column: { ...column, name: draw.name(), values: { ...column.values, as: of } },
    }
  })
  const down = parts.map((part) => id(part.column.name)).join(' || ')
  return {
    operation: {
      kind: 'split_column',
      namespace: 'public',
      table,
      from: column.name,
      to: parts.map(({ up, column: { name, nullable } }) => ({ name, type: 'text', nullable, up })),
      down,
    },
    way: withColumns(way, table, (columns) => [
      ...columns.filter((one) => one !== column),
      ...parts.map((part) => part.column),
    ]),
    pair: { from: id(table), filled: down, old: id(column.name), renewed: down },
  }
}

export const mergeColumns: Generator = (draw, way) => {
  const fits = (column: RandomColumn) => column.type === 'text' && isPlain(column) && !column.nullable
  const fitting = way.free.filter(({ column }) => fits(column))
  const others = ({ table, column }: Place) =>
    fitting.filter((one) => one.table === table && one.column !== column)
  const first = fitting.find((place) => others(place).length > 0)
  if (first === undefined) return undefined
  const { table } = first
  const second = draw.one(others(first))
  const name = draw.name()
  const olds = [first.column, second.column]
  const up = olds.map((column) => id(column.name)).join(" || '/' || ")
  const as = (value: string) => `${value} || '/' || ${value}`
  const merged = { ...first.column, name, values: { ...first.column.values, as } }
  return {
    operation: {
      kind: 'merge_columns',
      namespace: 'public',
      table,
      from: olds.map((column, at) => ({
        name: column.name,
        down: `split_part(${id(name)}, '/', ${at + 1})`,
      })),
      to: name,
      type: 'text',
      nullable: false,
      up,
    },
    way: withColumns(way, table, (columns) => [
      ...columns.filter((column) => !olds.includes(column)),
      merged,
    ]),
    pair: { from: id(table), filled: id(name), old: up, renewed: id(name) },
  }
}
