import { id, shown } from '../../../src/core/sql.ts'
import { CHANGES, changed, mayChange } from './changes.ts'
import { forgetSql, isPlain, type RandomColumn } from './schema.ts'
import { immutableSql } from './types.ts'
import { drawPlace, type Generator, isRenamed, type Place, renumbered, withColumns } from './way.ts'

export const dropColumn: Generator = (draw, way) => {
  // What the rows of writers have that do not know it any more.
  const isFilled = draw.chance(0.5)
  const place = drawPlace(draw, way.free, ({ nullable, byDefault }) =>
    isFilled ? byDefault === undefined : nullable || byDefault !== undefined,
  )
  if (place === undefined) return undefined
  const { table, column } = place
  const down = column.values.points === undefined ? immutableSql(column.values.type, 'id') : '1'
  return {
    operation: {
      kind: 'drop_column',
      namespace: 'public',
      table,
      column: column.name,
      ...(isFilled ? { down } : {}),
    },
    way: withColumns(way, table, (columns) => columns.filter((one) => one !== column)),
  }
}

export const changeType: Generator = (draw, way) => draw.one([copied, copied, copied, widened])(draw, way)

const copied: Generator = (draw, way) => {
  const change = draw.one(CHANGES)
  // Of a table that gets another name no column changes its type under its name.
  const kept = way.free.filter((one) => !isRenamed(way)(one))
  const place = drawPlace(draw, kept, (column) => mayChange(column, change))
  if (place === undefined) return undefined
  const { table, column } = place
  const { fields, column: end } = changed(column, change)
  return {
    operation: { kind: 'change_type', namespace: 'public', table, column: column.name, ...fields },
    way: renumbered(
      withColumns(way, table, (columns) => [...columns.filter((one) => one !== column), end]),
      place,
    ),
  }
}

const WIDER = [
  ['character varying(20)', 'character varying(60)'],
  ['character varying(20)', 'text'],
  ['numeric(12,2)', 'numeric(16,2)'],
] as const

/** Of a table of its own; with rows it keeps the wider type when the run goes back. */
const widened: Generator = (draw, way) => {
  const [from, to] = draw.one(WIDER)
  const [table, column, isEmpty] = [draw.name(), draw.name(), draw.chance(0.5)]
  const made = (type: string) => `create table ${id(table)} (id bigint, ${id(column)} ${type});`
  const row = `insert into ${id(table)} values ($1::bigint, '1.50')`
  const clients = isEmpty
    ? []
    : [{ name: `writer of ${table}`, statements: [row, forgetSql(id(table), 'id')] }]
  return {
    operation: { kind: 'change_type', namespace: 'public', table, column, type: to },
    way: { ...way, more: [...way.more, made(to)] },
    besides: {
      given: isEmpty ? made(from) : `${made(from)} insert into ${id(table)} values (1, '1.50');`,
      old: clients,
      renewed: clients,
      kept: [`select * from ${id(table)} order by id`],
      untouched: [
        {
          before: `select * from ${id(table)} where id = 1`,
          after: `select * from ${id(table)} where id = 1`,
        },
      ],
      stays: isEmpty ? [] : [`column ${shown(table)}.${column} at`],
    },
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
  }
}
