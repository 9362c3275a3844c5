import { id } from '../../../src/core/sql.ts'
import type { Generator } from './way.ts'

export const createObject: Generator = (draw, way) => {
  const name = draw.name()
  const table = draw.one(way.tables)
  // The new name of a table is a view until the contract, on which nothing is built.
  const definition = draw.one([
    () => `create function ${id(name)}(n integer) returns integer language sql immutable as 'select n + 1'`,
    (of: string) => `create view ${id(name)} as select id from ${id(of)} where id > 5`,
  ])
  return {
    operation: {
      kind: 'create_object',
      namespace: 'public',
      definition: definition(table.was ?? table.name),
    },
    way: { ...way, more: [...way.more, `${definition(table.name)};`] },
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
