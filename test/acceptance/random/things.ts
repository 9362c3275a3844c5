import { id } from '../../../src/core/sql.ts'
import type { Generator } from './way.ts'

export const createObject: Generator = (draw, way) => {
  const name = draw.name()
  const { name: table } = draw.one(way.tables)
  const definition = draw.one([
    `create function ${id(name)}(n integer) returns integer language sql immutable as 'select n + 1'`,
    `create view ${id(name)} as select id from ${id(table)} where id > 5`,
  ])
  return {
    operation: { kind: 'create_object', namespace: 'public', definition },
    way: { ...way, more: [...way.more, `${definition};`] },
  }
}

export const runSql: Generator = (draw, way) => {
  const sequence = id(draw.name())
  return {
    operation: {
      kind: 'sql',
      namespace: 'public',
      up: `create sequence ${sequence}`,
      down: `drop sequence ${sequence}`,
      phase: 'expand',
    },
    way: { ...way, more: [...way.more, `create sequence ${sequence};`] },
  }
}
