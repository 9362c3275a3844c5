import type { AddColumn } from '../../../src/core/operations/add/add.ts'
import { id } from '../../../src/core/sql.ts'
import { matrixMajor } from '../../support/matrix.ts'
import type { Draw } from './draw.ts'
import { drawPlainColumn, KEPT, type RandomColumn } from './schema.ts'
import { checkSql } from './table-sql.ts'
import { isManifold, type TypeName } from './types.ts'
import {
  atStart,
  type Drawn,
  drawPlace,
  drawTarget,
  type Generator,
  hasRows,
  ofMade,
  type Place,
  using,
  type Way,
  withColumns,
} from './way.ts'

export const addColumn: Generator = (draw, way) =>
  draw.one([plain, plain, ruled, pointing, filled, volatile, identity, generated, ofDomain])(draw, way)

const plain: Generator = (draw, way) => {
  const drawn = drawPlainColumn(draw)
  const column = { ...drawn, nullable: drawn.nullable || drawn.byDefault === undefined }
  return added(way, { table: drawAny(draw, way), column }, {})
}

/** With rules of its own. */
const ruled: Generator = (draw, way) => {
  const [table, drawn] = [drawAny(draw, way), drawPlainColumn(draw)]
  const isUndivided = way.tables.some(({ name, divided }) => name === table && divided === undefined)
  const column = { ...drawn, nullable: drawn.nullable || drawn.byDefault === undefined }
  const isUnique = isUndivided && column.byDefault === undefined && isManifold(column.type)
  const rules = draw.one(isUnique ? ['check', 'unique', 'both'] : ['check'])
  const check = rules === 'unique' ? {} : { check: { constraint: checkSql(column.name) } }
  const unique = rules === 'check' ? {} : { unique: {} }
  const ruledColumn: RandomColumn = {
    ...column,
    ...(rules === 'unique' ? {} : { checked: '' }),
    ...(rules === 'check' ? {} : { unique: '' }),
  }
  return added(way, { table, column: ruledColumn }, { ...check, ...unique, ...drawTime(draw) })
}

function drawTime(draw: Draw): Pick<AddColumn, 'when'> {
  return draw.chance(0.3) ? { when: 'before_rollout' } : {}
}

/** With a foreign key. */
const pointing: Generator = (draw, way) => {
  const source = drawPlace(draw, way.free)
  const target = drawTarget(draw, way)
  if (source === undefined || target === undefined) return undefined
  const { table } = source
  const deletes = draw.chance(0.5)
  const column: RandomColumn = {
    name: draw.name(),
    type: 'bigint',
    nullable: true,
    references: atStart(way, target.table),
    action: deletes ? 'on delete set null' : '',
    values: { type: 'bigint', nulls: true, points: true },
  }
  const references = {
    namespace: 'public',
    table: target.table,
    column: 'id',
    ...(deletes ? { on_delete: 'set_null' as const } : {}),
  }
  const since = using(using(way, source), target)
  const drawn = added(since, { table, column }, { references, ...drawTime(draw) })
  return { ...drawn, way: { ...drawn.way, added: since.added } }
}

/** One of all, or one that the migration makes. */
function drawAny(draw: Draw, way: Way): string {
  return way.made.length > 0 && draw.chance(0.4) ? draw.one(way.made) : draw.one(way.tables).name
}

/** Of these a text is made in the same way by every session. */
const TOLD: readonly string[] = [
  'integer',
  'bigint',
  'text',
  'character varying(40)',
  'character(40)',
  'inet',
  'boolean',
  'uuid',
  'numeric(12,2)',
]

/** From another column, and by the default where that gives nothing. */
const filled: Generator = (draw, way) => {
  const places = draw.chance(0.3) ? ofMade(way) : way.free
  const source = drawPlace(draw, places, ({ type }) => TOLD.includes(type))
  if (source === undefined) return undefined
  const { table } = source
  const byDefault = draw.chance(0.5) ? `'none'` : undefined
  // Where it is NULL for no row there need be no default.
  const isSure = byDefault === undefined && draw.chance(0.7)
  const nullable = !isSure && (byDefault === undefined || draw.chance(0.5))
  const column = {
    ...named(draw.name(), 'text', nullable),
    ...(byDefault === undefined ? {} : { byDefault }),
  }
  const up = isSure ? `coalesce(${toldOf(source)}, 'nothing')` : toldOf(source)
  const value = byDefault === undefined ? up : `coalesce(${up}, ${byDefault})`
  const drawn = added(using(way, source), { table, column }, { up })
  // In a table that comes with the migration, or is empty, there is no row that nobody writes.
  if (!hasRows(way, table)) return drawn
  return {
    ...drawn,
    besides: {
      given: '',
      afterwards: [
        `select from ${id(table)} where id <= ${KEPT} and ${id(column.name)} is distinct from ${value}`,
      ],
    },
  }
}

const VOLATILE: readonly (readonly [TypeName, string])[] = [
  ['uuid', 'gen_random_uuid()'],
  ['timestamp with time zone', 'clock_timestamp()'],
  ['integer', '(random() * 1000)::integer'],
]

/** Each row has a value of its own. */
const volatile: Generator = (draw, way) => {
  const [type, byDefault] = draw.one(VOLATILE)
  const column = { ...named(draw.name(), type, draw.chance(0.5)), byDefault }
  return added(way, { table: drawAny(draw, way), column }, {})
}

/** Not of a partitioned table, whose partitions would know nothing of it. */
const identity: Generator = (draw, way) => {
  const fitting = way.tables.filter(({ divided }) => divided === undefined)
  if (fitting.length === 0) return undefined
  const how = draw.one(['always', 'by_default'] as const)
  const column = {
    ...named(draw.name(), draw.one(['integer', 'bigint']), false),
    generated: `generated ${how.replace('_', ' ')} as identity`,
  }
  return added(way, { table: draw.one(fitting).name, column }, { identity: how })
}

/** Computed when it is read, where the server can do that, or kept in the row; nothing is built on it. */
const generated: Generator = (draw, way) => {
  const [name, source] = [draw.name(), drawPlace(draw, way.free, ({ type }) => TOLD.includes(type))]
  if (source === undefined) return undefined
  const isKept = draw.chance(0.5)
  const value = toldOf(source)
  const column = {
    ...named(name, 'text', true),
    generated: `generated always as (${value}) ${isKept || Number(matrixMajor()) < 18 ? 'stored' : 'virtual'}`,
  }
  const more = { generated: value, ...(isKept ? { stored: true as const } : {}), ...WHY }
  const drawn = added(using(way, source), { table: source.table, column }, more)
  return { ...drawn, way: { ...drawn.way, added: way.added } }
}

/** For a table that is written anew. */
const WHY = { unsafe: 'a test' }

/** A type with a condition on its values, which every database has. */
export const DOMAIN = 'create domain public.brief as text check (length(value) < 1000);'

/** Of a domain; nothing is built on it. */
const ofDomain: Generator = (draw, way) => {
  const [name, source] = [draw.name(), drawPlace(draw, way.free, ({ type }) => TOLD.includes(type))]
  if (source === undefined) return undefined
  const byDefault = draw.chance(0.3) ? { byDefault: `'none'` } : {}
  const column: RandomColumn = { ...named(name, 'text', true), type: 'brief', ...byDefault }
  const more = { ...(draw.chance(0.5) ? { up: toldOf(source) } : {}), ...WHY }
  const drawn = added(using(way, source), { table: source.table, column }, more)
  return { ...drawn, way: { ...drawn.way, added: way.added } }
}

function toldOf({ column }: Place): string {
  return `'of ' || ${id(column.name)}::text`
}

function named(name: string, type: TypeName, nullable: boolean): RandomColumn {
  return { name, type, nullable, values: { type, nulls: nullable } }
}

/** @param more what the operation says of its values besides */
function added(
  way: Way,
  place: Place,
  more: Pick<
    AddColumn,
    'up' | 'identity' | 'generated' | 'stored' | 'unsafe' | 'check' | 'unique' | 'references' | 'when'
  >,
): Drawn {
  const { table, column } = place
  const { name, type, nullable, byDefault } = column
  return {
    operation: {
      kind: 'add_column',
      namespace: 'public',
      table,
      column: name,
      type: type === 'brief' ? 'public.brief' : type,
      nullable,
      ...(byDefault === undefined ? {} : { default: byDefault }),
      ...more,
    },
    way: {
      ...withColumns(way, table, (columns) => [...columns, column]),
      added: [...way.added, place],
    },
  }
}
