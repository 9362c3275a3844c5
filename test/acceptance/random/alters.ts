import type { AlterColumn } from '../../../src/core/operations/alter/alter.ts'
import type { Draw } from './draw.ts'
import type { Note } from './forms.ts'
import type { RandomColumn } from './schema.ts'
import { checkSql } from './table-sql.ts'
import { DEFAULTS, isManifold } from './types.ts'
import { drawPlace, type Generator, type Place, replaced, type Way } from './way.ts'

/** What an operation says of a column, and how the column is then. */
interface Altered {
  readonly fields: Partial<AlterColumn>
  readonly column: RandomColumn
}

/** Undefined where the column cannot become so. */
type Alteration = (draw: Draw, column: RandomColumn) => Altered | undefined

const comment: Alteration = (draw, column) => {
  const text = `it's ${draw.number(1, 99)}`
  const quoted = text.replaceAll("'", "''")
  return {
    fields: { comment: text },
    column: noted(column, (table, name) => `comment on column ${table}.${name} is '${quoted}';`),
  }
}

const statistics: Alteration = (draw, column) => {
  const target = draw.number(1, 500)
  return {
    fields: { statistics: target },
    column: noted(
      column,
      (table, name) => `alter table ${table} alter column ${name} set statistics ${target};`,
    ),
  }
}

const CAN_BE_LONG = ['text', 'text[]', 'character(40)', 'bytea', 'json', 'jsonb']

const storage: Alteration = (_, column) =>
  CAN_BE_LONG.includes(column.type)
    ? {
        fields: { storage: 'main' },
        column: noted(column, (table, name) => `alter table ${table} alter column ${name} set storage main;`),
      }
    : undefined

const canBeNull: Alteration = (_, column) =>
  column.nullable ? undefined : { fields: { nullable: true }, column: { ...column, nullable: true } }

const neverNull: Alteration = (_, column) =>
  column.nullable && !column.values.nulls
    ? { fields: { nullable: false }, column: { ...column, nullable: false } }
    : undefined

/** What an INSERT that leaves it out has would be there twice, or point at nothing. */
const byDefault: Alteration = (_, column) => {
  if (column.unique !== undefined || column.values.points !== undefined) return undefined
  if (column.byDefault === undefined) {
    const value = DEFAULTS[column.values.type]
    return { fields: { default: value }, column: { ...column, byDefault: value } }
  }
  const { byDefault: _had, ...without } = column
  return { fields: { default: null }, column: without }
}

const check: Alteration = (_, column) =>
  column.checked === undefined
    ? { fields: { check: { constraint: checkSql(column.name) } }, column: { ...column, checked: '' } }
    : undefined

const unique: Alteration = (_, column) =>
  column.unique === undefined &&
  column.byDefault === undefined &&
  column.values.points === undefined &&
  isManifold(column.values.type)
    ? { fields: { unique: {} }, column: { ...column, unique: '' } }
    : undefined

const DESCRIBED = [comment, statistics]
const OF_MADE = [...DESCRIBED, storage, neverNull, byDefault, check]
const ALL = [...OF_MADE, canBeNull, neverNull, byDefault]

/** One thing of a column, or two at once. */
export const alterColumn: Generator = (draw, way) => {
  const place = drawPlace(draw, draw.chance(0.3) ? way.added : way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  const all = alterationsOf(way, place)
  const one = draw.one(all)(draw, column)
  if (one === undefined) return undefined
  // A value that is there twice by the default that it had is not unique without it.
  const others = 'default' in one.fields ? all.filter((other) => other !== unique) : all
  const other = draw.chance(0.4) ? draw.one(others)(draw, one.column) : undefined
  const isOther = other !== undefined && Object.keys(other.fields).every((field) => !(field in one.fields))
  const last = isOther ? other : one
  return {
    operation: {
      kind: 'alter_column',
      namespace: 'public',
      table,
      column: column.name,
      ...one.fields,
      ...last.fields,
      ...(draw.chance(0.2) && ('check' in last.fields || 'unique' in last.fields)
        ? { when: 'before_rollout' as const }
        : {}),
    },
    way: replaced(way, place, last.column),
  }
}

function alterationsOf(way: Way, place: Place): readonly Alteration[] {
  const { table } = place
  if (way.added.includes(place)) return way.made.includes(table) ? OF_MADE : DESCRIBED
  const isDivided = way.tables.some(({ name, divided }) => name === table && divided !== undefined)
  return isDivided ? ALL : [...ALL, unique]
}

function noted(column: RandomColumn, note: Note): RandomColumn {
  return { ...column, notes: [...(column.notes ?? []), note] }
}
