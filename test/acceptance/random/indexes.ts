import { defaultName } from '../../../src/core/plan/names.ts'
import { id } from '../../../src/core/sql.ts'
import { ordered } from './forms.ts'
import type { RandomColumn } from './schema.ts'
import { isOrdered } from './types.ts'
import { atStart, drawPlace, type Generator, renumbered, replaced, using, type Way } from './way.ts'

export const createIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, draw.chance(0.3) ? way.added : way.free, ({ type }) => isOrdered(type))
  if (place === undefined) return undefined
  const { table, column } = place
  const how = draw.one(['', ' desc', ' nulls first'])
  const where = draw.one(['', ` where ${id(column.name)} is not null`])
  const unique = draw.chance(0.3)
  const definition = (on: string) =>
    `create ${unique ? 'unique ' : ''}index on ${id(on)} (${id(column.name)}${how}, id)${where}`
  return {
    operation: {
      kind: 'create_index',
      definition: definition(table),
      ...(unique && draw.chance(0.5) ? { when: 'before_rollout' as const } : {}),
    },
    way: using(way, place, `${definition(atStart(way, table))};`),
  }
}

export const dropIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ indexed }) => indexed !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const { indexed: _, form: __, ...left } = column
  return {
    operation: {
      kind: 'drop_index',
      namespace: 'public',
      table,
      index: nameOf(way, table, column),
    },
    way: replaced(way, place, left),
  }
}

export const renameIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ indexed }) => indexed !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const to = draw.name()
  const from = nameOf(way, table, column)
  return {
    operation: { kind: 'rename_index', namespace: 'public', table, from, to },
    way: replaced(way, place, { ...column, indexed: to }),
  }
}

export const replaceIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ indexed }) => indexed !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const order = draw.one([' desc', ' nulls first'])
  const { form: _, ...rest } = column
  const indexed = nameOf(way, table, column)
  const name = id(indexed)
  return {
    operation: {
      kind: 'replace_index',
      definition: `create index ${name} on ${id(table)} (${id(column.name)}${order})`,
    },
    way: renumbered(replaced(way, place, { ...rest, indexed, form: ordered(order) }), place),
  }
}

function nameOf(way: Way, table: string, { name, indexed, form }: RandomColumn): string {
  if (indexed !== undefined && indexed !== '') return indexed
  return defaultName(atStart(way, table), [name, ...(form?.more ?? [])], 'idx')
}
