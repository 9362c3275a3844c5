import type { AddedColumn, Needs } from '../../core/operations/needs.ts'
import { readType } from '../../core/parse.ts'
import type { Facts } from '../../core/schema/facts.ts'
import { collationAsNamed, collationKey } from '../../core/schema/mappings.ts'
import { findColumn, findTable, type QualifiedName, type Table } from '../../core/schema/model.ts'
import { id, join, qualified, type Sql, sql } from '../../core/sql.ts'

/** A column that a table does not have yet, or not as it will be. */
export interface ComingColumn {
  readonly column: string
  readonly type: Sql
  /** Empty for the one of its type. */
  readonly collate: Sql
  /** Is there a column of this name now, whose place it takes? */
  readonly replaces: boolean
}

export interface Known extends Pick<Facts, 'types' | 'collations'> {
  readonly tables: readonly Table[]
}

/** Columns as they will be. One whose type nobody knows is left out, and so is one that a rename finds there. */
export function comingColumns(
  added: readonly AddedColumn[],
  of: QualifiedName,
  known: Known,
): readonly ComingColumn[] {
  const table = findTable({ tables: known.tables }, of)
  return added.flatMap((one) => {
    const text = typeOf(one, table, known.types)
    const read = text === undefined ? undefined : readType(text)
    const replaces = table !== undefined && findColumn(table, one.column) !== undefined
    if (typeof read !== 'string' || (replaces && one.like !== undefined && one.like !== one.column)) return []
    return [{ column: one.column, type: read, collate: collationOf(one, of, { ...known, table }), replaces }]
  })
}

function typeOf(
  { type, like }: AddedColumn,
  table: Table | undefined,
  types: Facts['types'],
): string | undefined {
  if (type !== undefined) return types[type]?.type ?? type
  return like === undefined || table === undefined ? undefined : findColumn(table, like)?.type
}

function collationOf(
  { type, like = '', collation }: AddedColumn,
  { namespace }: QualifiedName,
  { table, types, collations }: Known & { readonly table: Table | undefined },
): Sql {
  const from = table === undefined ? undefined : findColumn(table, like)
  const collatable = type === undefined ? from?.collatable : types[type]?.collatable
  const named = collation === undefined ? undefined : collations[collationKey({ namespace, name: collation })]
  const wanted = named === undefined ? (from?.collation ?? null) : collationAsNamed(named)
  return collatable === true && wanted !== null ? sql` collate ${qualified(wanted)}` : sql``
}

/** The rows of a table, with its columns as they will be. Of one that the migration makes there is one, without a value. */
export function rowsWith(table: QualifiedName, coming: readonly ComingColumn[], known: Known): Sql {
  if (coming.length === 0) return qualified(table)
  const isThere = findTable({ tables: known.tables }, table) !== undefined
  const isReplaced = (name: string) => coming.some((one) => one.replaces && one.column === name)
  const own = findTable({ tables: known.tables }, table)?.columns.map(({ name }) => name) ?? []
  const kept = own.some(isReplaced)
    ? own.filter((name) => !isReplaced(name)).map((name) => id(name))
    : [sql`*`]
  const more = coming.map(({ column, type, collate }) => sql`null::${type}${collate} as ${id(column)}`)
  const all = isThere ? sql`${join([...kept, ...more])} from ${qualified(table)}` : join(more)
  return sql`(select ${all}) as ${id(table.name)}`
}

/** Makes an empty table like one that the migration makes. */
export function likeMade(copy: Sql, coming: readonly ComingColumn[], divided: Sql = sql``): Sql {
  const columns = coming.map(({ column, type, collate }) => sql`${id(column)} ${type}${collate}`)
  return sql`create table ${copy} (${join(columns)})${divided}`
}

/** Defaults with the types that their columns have by then; of a column that is not there nothing can be known. */
export function typedDefaults(
  defaults: Needs['defaults'],
  known: Known,
): readonly (Needs['expressions'][number] &
  Pick<Needs['defaults'][number], 'table' | 'column' | 'coming'>)[] {
  return defaults.flatMap(({ table, column, expression, coming }) => {
    const [last] = comingColumns(coming ?? [], table, known).slice(-1)
    const found = findTable({ tables: known.tables }, table)
    const there = found === undefined ? undefined : findColumn(found, column)?.type
    const type = last === undefined ? there : String(last.type)
    return type === undefined
      ? []
      : [{ expression, type, table, column, ...(coming === undefined ? {} : { coming }) }]
  })
}
