import type { NewConstraint } from '../../../src/core/operations/create-table/create-table.ts'
import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import { MADE } from './numbers.ts'
import { drawPlainColumn, type RandomColumn, type RandomTable } from './schema.ts'
import { checkSql } from './table-sql.ts'
import { isManifold } from './types.ts'
import { atStart, drawTable, drawTarget, type Generator, type Place, using, type Way } from './way.ts'

export const createTable: Generator = (draw, way) => {
  const isDivided = draw.chance(0.4)
  const plain = Array.from({ length: draw.number(1, 4) }, () => drawRuled(draw, isDivided))
  const pointing = draw.chance(0.3) ? drawPointing(draw, way) : undefined
  const columns = [...plain, ...(pointing === undefined ? [] : [pointing.column])]
  const table: RandomTable = {
    name: isDivided ? draw.shortName() : draw.name(),
    columns,
    numbers: MADE,
    ...(isDivided ? { divided: 'hash' } : {}),
  }
  const parts = [0, 1].map((remainder) => ({
    name: `${table.name}_${remainder}`,
    bounds: `for values with (modulus 2, remainder ${remainder})`,
  }))
  const since = pointing === undefined ? way : using(way, pointing.target)
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
      constraints: columns.flatMap(constraintsOf),
      ...(isDivided ? { partitionBy: 'hash (id)', partitions: parts } : {}),
    },
    way: {
      ...since,
      tables: [...since.tables, table],
      added: [...since.added, ...plain.map((column) => ({ table: table.name, column }))],
      made: [...since.made, table.name],
    },
  }
}

function drawRuled(draw: Draw, isDivided: boolean): RandomColumn {
  const column = drawPlainColumn(draw)
  const unique = !isDivided && column.byDefault === undefined && isManifold(column.type) && draw.chance(0.2)
  return { ...column, ...(unique ? { unique: '' } : {}), ...(draw.chance(0.2) ? { checked: '' } : {}) }
}

/** A column that points at the first rows of a table that is there. */
function drawPointing(
  draw: Draw,
  way: Way,
): { readonly column: RandomColumn; readonly target: Place } | undefined {
  const target = drawTarget(draw, way)
  if (target === undefined) return undefined
  return {
    column: {
      name: draw.name(),
      type: 'bigint',
      nullable: true,
      references: target.table,
      action: draw.one(['', 'on delete cascade', 'on update cascade deferrable initially deferred']),
      values: { type: 'bigint', nulls: true, points: true },
    },
    target,
  }
}

function constraintsOf(column: RandomColumn): readonly NewConstraint[] {
  const { name, unique, checked, references, action = '' } = column
  return [
    ...(unique === undefined ? [] : [{ kind: 'unique', columns: [name] } as const]),
    ...(checked === undefined ? [] : [{ kind: 'check', expression: checkSql(name) } as const]),
    ...(references === undefined
      ? []
      : [
          {
            kind: 'foreign_key',
            columns: [name],
            references: { namespace: 'public', name: references, columns: ['id'] },
            onDelete: action.includes('delete cascade') ? 'cascade' : 'no_action',
            onUpdate: action.includes('update cascade') ? 'cascade' : 'no_action',
            ...(action.includes('deferrable') ? { deferrable: 'deferred' as const } : {}),
          } as const,
        ]),
  ]
}

export const dropTable: Generator = (draw, way) => {
  const table = way.tables.length > 1 ? drawTable(draw, way, 'gone') : undefined
  if (table === undefined) return undefined
  return {
    operation: { kind: 'drop_table', namespace: 'public', table: table.name },
    way: { ...touched(way, table.name), tables: way.tables.filter((one) => one !== table) },
  }
}

export const renameTable: Generator = (draw, way) => {
  const table = drawTable(draw, way, 'other')
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
  const table = drawTable(draw, way, 'other')
  if (table === undefined) return undefined
  const { name, divided } = table
  const fillfactor = String(draw.number(50, 90))
  // Only partitions have storage parameters.
  const isStored = divided === undefined
  const isWhole = draw.chance(0.4)
  return {
    operation: {
      kind: 'set_table',
      namespace: 'public',
      table: name,
      comment: `of ${name}`,
      set: isStored ? { fillfactor } : {},
      reset: [],
      ...(isWhole ? { replicaIdentity: 'full' as const } : {}),
    },
    way: touched(
      way,
      name,
      `comment on table ${id(atStart(way, name))} is '${`of ${name}`.replaceAll("'", "''")}';`,
      ...(isStored ? [`alter table ${id(atStart(way, name))} set (fillfactor = ${fillfactor});`] : []),
      ...(isWhole ? [`alter table ${id(atStart(way, name))} replica identity full;`] : []),
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
