import { id } from '../../../src/core/sql.ts'
import { drawPlainColumn, type RandomTable } from './schema.ts'
import { atStart, drawTable, type Generator, type Place, type Way } from './way.ts'

export const createTable: Generator = (draw, way) => {
  const columns = Array.from({ length: draw.number(1, 4) }, () => drawPlainColumn(draw))
  const isDivided = draw.chance(0.4)
  const table: RandomTable = { name: draw.name(), columns, ...(isDivided ? { divided: 'hash' } : {}) }
  const parts = [0, 1].map((remainder) => ({
    name: `${table.name}_${remainder}`,
    bounds: `for values with (modulus 2, remainder ${remainder})`,
  }))
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
      ...(isDivided ? { partitionBy: 'hash (id)', partitions: parts } : {}),
    },
    way: {
      ...way,
      tables: [...way.tables, table],
      added: [...way.added, ...columns.map((column) => ({ table: table.name, column }))],
      made: [...way.made, table.name],
    },
  }
}

export const dropTable: Generator = (draw, way) => {
  const table = way.tables.length > 1 ? drawTable(draw, way) : undefined
  if (table === undefined) return undefined
  return {
    operation: { kind: 'drop_table', namespace: 'public', table: table.name },
    way: { ...touched(way, table.name), tables: way.tables.filter((one) => one !== table) },
  }
}

export const renameTable: Generator = (draw, way) => {
  const table = drawTable(draw, way)
  if (table === undefined) return undefined
  const to = draw.name()
  // What else becomes of it is said by the new name.
  const moved = (place: Place) => (place.table === table.name ? { ...place, table: to } : place)
  return {
    operation: { kind: 'rename_table', namespace: 'public', table: table.name, to },
    way: {
      ...way,
      last: [...way.last, `alter table ${id(table.name)} rename to ${id(to)};`],
      free: way.free.map(moved),
      added: way.added.map(moved),
      tables: way.tables.map((one) => (one === table ? { ...one, name: to, was: table.name } : one)),
    },
  }
}

export const setTable: Generator = (draw, way) => {
  const table = drawTable(draw, way)
  if (table === undefined) return undefined
  const { name, divided } = table
  const fillfactor = String(draw.number(50, 90))
  // Only partitions have storage parameters.
  const isStored = divided === undefined
  return {
    operation: {
      kind: 'set_table',
      namespace: 'public',
      table: name,
      comment: `of ${name}`,
      set: isStored ? { fillfactor } : {},
      reset: [],
    },
    way: touched(
      way,
      name,
      `comment on table ${id(atStart(way, name))} is '${`of ${name}`.replaceAll("'", "''")}';`,
      ...(isStored ? [`alter table ${id(atStart(way, name))} set (fillfactor = ${fillfactor});`] : []),
    ),
  }
}

function touched(way: Way, table: string, ...more: readonly string[]): Way {
  return {
    ...way,
    more: [...way.more, ...more],
    free: way.free.filter((one) => one.table !== table),
    added: way.added.filter((one) => one.table !== table),
  }
}
