import type { Operation } from '../../../src/core/operations/migration.ts'
import type { RenameColumn } from '../../../src/core/operations/rename/rename.ts'
import { id } from '../../../src/core/sql.ts'
import { CHANGES, changed, mayChange } from './changes.ts'
import type { Draw } from './draw.ts'
import { isPlain, type RandomColumn } from './schema.ts'
import { isOrdered } from './types.ts'
import { atStart, drawPlace, type Generator, withColumns } from './way.ts'

/** What becomes of a column besides its name. */
interface More {
  readonly fields: Partial<Pick<RenameColumn, 'type' | 'collation' | 'nullable' | 'up' | 'down'>>
  /** How it is in the end, but for its name. */
  readonly column: RandomColumn
}

export const renameColumn: Generator = (draw, way) => {
  const place = drawPlace(draw, way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  const to = draw.name()
  const { fields, column: end } =
    draw.one([same, otherType, otherCollation, neverNull])(column, to, draw) ?? same(column)
  const isMapped = fields.up !== undefined
  const built = draw.chance(0.3) ? draw.one([index, check, unique]) : undefined
  const before = isMapped && built !== index ? undefined : built?.(column, to)
  const byDefault = draw.chance(0.4) ? lastDefault(end, isMapped) : undefined
  const { byDefault: _, ...without } = end
  const last = byDefault === undefined ? end : { ...without, ...(byDefault === null ? {} : { byDefault }) }
  const on = { namespace: 'public', table } as const
  const isOpen = before === undefined && byDefault === undefined && draw.chance(0.3)
  const late = isOpen ? draw.one([index, check, unique, comment])({ ...end, name: to }, to) : undefined
  const more = [before, late].flatMap((one) => (one === undefined ? [] : [one.more(id(atStart(way, table)))]))
  return {
    ...(before === undefined ? {} : { before: before.operation(on) }),
    operation: { kind: 'rename_column', ...on, from: column.name, to, ...fields },
    ...(byDefault === undefined
      ? {}
      : { behind: { kind: 'alter_column', ...on, column: to, default: byDefault } as const }),
    ...(late === undefined ? {} : { behind: late.operation(on) }),
    way: withColumns({ ...way, more: [...way.more, ...more] }, table, (columns) => [
      ...columns.filter((one) => one !== column),
      { ...last, name: to, was: column.name },
    ]),
  }
}

/** What is put on a column by its old name, in front of the rename, or by its new one behind it, and how plain DDL makes it in the end. */
type Built = (
  column: RandomColumn,
  to: string,
) =>
  | {
      readonly operation: (on: { readonly namespace: string; readonly table: string }) => Operation
      readonly more: (table: string) => string
    }
  | undefined

const index: Built = ({ name, type }, to) => {
  const definition = (table: string, column: string) =>
    `create index on ${table} (${id(column)} desc, id) where ${id(column)} is not null`
  return !isOrdered(type)
    ? undefined
    : {
        operation: ({ table }) => ({ kind: 'create_index', definition: definition(id(table), name) }),
        more: (table) => `${definition(table, to)};`,
      }
}

const check: Built = ({ name }, to) => ({
  operation: (on) => ({ kind: 'add_constraint', ...on, check: `${id(name)}::text <> 'no one'` }),
  more: (table) => `alter table ${table} add check (${id(to)}::text <> 'no one');`,
})

const unique: Built = ({ name, type }, to) =>
  !isOrdered(type)
    ? undefined
    : {
        operation: (on) => ({ kind: 'add_constraint', ...on, unique: ['id', name] }),
        more: (table) => `alter table ${table} add unique (id, ${id(to)});`,
      }

const comment: Built = ({ name }, to) => ({
  operation: (on) => ({ kind: 'alter_column', ...on, column: name, comment: 'another' }),
  more: (table) => `comment on column ${table}.${id(to)} is 'another';`,
})

/** A default that only the new column has: none where there was one, or one of values that change. */
function lastDefault({ type, byDefault }: RandomColumn, isMapped: boolean): string | null | undefined {
  if (byDefault !== undefined) return null
  if (!isMapped) return undefined
  return type === 'bigint' ? '7' : `'none'`
}

function same(column: RandomColumn): More {
  return { fields: {}, column }
}

function otherType(column: RandomColumn, to: string, draw: Draw): More | undefined {
  const fitting = CHANGES.filter((change) => mayChange(column, change))
  if (fitting.length === 0) return undefined
  return changed(column, draw.one(fitting), to)
}

function otherCollation(column: RandomColumn): More | undefined {
  // Whether a check holds in another order nobody knows.
  if (column.checked !== undefined) return undefined
  const isText = column.type === 'text' || column.type.startsWith('character')
  return isText ? { fields: { collation: 'C' }, column: { ...column, collation: 'C' } } : undefined
}

function neverNull(column: RandomColumn, to: string): More | undefined {
  if (column.type !== 'text' || !column.nullable || !isPlain(column)) return undefined
  const up = `coalesce(${id(column.name)}, 'none')`
  return {
    fields: { nullable: false, up, down: `nullif(${id(to)}, 'none')` },
    column: { ...column, nullable: false, mapped: up, values: { ...column.values, nulls: false } },
  }
}
