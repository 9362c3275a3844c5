import { id } from '../../../src/core/sql.ts'
import { matrixMajor } from '../../support/matrix.ts'
import { atStart, type Drawn, drawPlace, type Generator, renumbered, replaced, using } from './way.ts'

export const addConstraint: Generator = (draw, way) =>
  draw.one([uniqueOrCheck, uniqueOrCheck, foreignKey, exclusion])(draw, way)

const uniqueOrCheck: Generator = (draw, way) => {
  const place = drawPlace(draw, draw.chance(0.3) ? way.added : way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  if (draw.chance(0.4) && column.type !== 'jsonb')
    return {
      operation: { kind: 'add_constraint', namespace: 'public', table, unique: [column.name, 'id'] },
      way: using(way, place, `alter table ${id(atStart(way, table))} add unique (${id(column.name)}, id);`),
    }
  const check = `${id(column.name)}::text <> 'nobody'`
  return {
    operation: { kind: 'add_constraint', namespace: 'public', table, check },
    way: using(way, place, `alter table ${id(atStart(way, table))} add check (${check});`),
    ...(column.checked === undefined
      ? { impossible: [droppedAgain(table, `${atStart(way, table)}_${column.name}_check`)] }
      : {}),
  }
}

function droppedAgain(table: string, name: string): NonNullable<Drawn['impossible']>[number] {
  return [{ kind: 'drop_constraint', namespace: 'public', table, name }, 'itself, and drops it']
}

/** Of a column that points at the first rows of a table, at those of another one. */
const foreignKey: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ references }) => references !== undefined)
  const target = drawPlace(draw, way.free)
  if (place === undefined || target === undefined) return undefined
  const { table, column } = place
  const cascades = draw.chance(0.5)
  const references = { namespace: 'public', table: target.table, columns: ['id'] }
  return {
    operation: {
      kind: 'add_constraint',
      namespace: 'public',
      table,
      foreign_key: {
        columns: [column.name],
        references: cascades ? { ...references, on_delete: 'cascade' as const } : references,
      },
      ...(draw.chance(0.3) ? { when: 'before_rollout' as const } : {}),
    },
    way: using(
      using(way, target),
      place,
      `alter table ${id(atStart(way, table))} add foreign key (${id(column.name)}) references ${id(atStart(way, target.table))} (id)${cascades ? ' on delete cascade' : ''};`,
    ),
  }
}

const exclusion: Generator = (draw, way) => {
  // Before PostgreSQL 17 no partitioned table has one.
  const canHave = (name: string) =>
    Number(matrixMajor()) >= 17 || way.tables.some((one) => one.name === name && one.divided === undefined)
  const fitting = way.free.filter(({ table, column }) => canHave(table) && column.type !== 'jsonb')
  const place = drawPlace(draw, fitting)
  if (place === undefined) return undefined
  const { table, column } = place
  const exclude = `using btree (${id(column.name)} with =, id with =)`
  return {
    operation: { kind: 'add_constraint', namespace: 'public', table, exclude },
    way: using(way, place, `alter table ${id(atStart(way, table))} add exclude ${exclude};`),
  }
}

export const dropConstraint: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ unique, checked }) => (unique ?? checked) !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const { unique, checked, ...rest } = column
  const was = atStart(way, table)
  const name = `${was}_${column.name}_${unique === undefined ? 'check' : 'key'}`
  const left = unique === undefined || checked === undefined ? rest : { ...rest, checked }
  return {
    operation: { kind: 'drop_constraint', namespace: 'public', table, name },
    way: replaced(way, place, left),
  }
}

export const renameConstraint: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ unique, checked }) => (unique ?? checked) !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const to = draw.name()
  const isUnique = column.unique !== undefined
  const from = `${atStart(way, table)}_${column.name}_${isUnique ? 'key' : 'check'}`
  return {
    operation: { kind: 'rename_constraint', namespace: 'public', table, from, to },
    way: replaced(way, place, { ...column, ...(isUnique ? { unique: to } : { checked: to }) }),
  }
}

export const createIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, draw.chance(0.3) ? way.added : way.free, ({ type }) => type !== 'jsonb')
  if (place === undefined) return undefined
  const { table, column } = place
  const how = draw.one(['', ' desc', ' nulls first'])
  const where = draw.one(['', ` where ${id(column.name)} is not null`])
  const definition = (on: string) => `create index on ${id(on)} (${id(column.name)}${how}, id)${where}`
  return {
    operation: { kind: 'create_index', definition: definition(table) },
    way: using(way, place, `${definition(atStart(way, table))};`),
  }
}

export const dropIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ indexed }) => indexed !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const { indexed: _, ...left } = column
  return {
    operation: {
      kind: 'drop_index',
      namespace: 'public',
      table,
      index: `${atStart(way, table)}_${column.name}_idx`,
    },
    way: replaced(way, place, left),
  }
}

export const renameIndex: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free, ({ indexed }) => indexed !== undefined)
  if (place === undefined) return undefined
  const { table, column } = place
  const to = draw.name()
  const from = `${atStart(way, table)}_${column.name}_idx`
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
  const name = id(`${atStart(way, table)}_${column.name}_idx`)
  return {
    operation: {
      kind: 'replace_index',
      definition: `create index ${name} on ${id(table)} (${id(column.name)}${order})`,
    },
    way: renumbered(replaced(way, place, { ...column, order }), place),
  }
}
