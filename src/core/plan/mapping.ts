import { pinnedType } from '../pin.ts'
import type { Facts } from '../schema/facts.ts'
import type { Column } from '../schema/model.ts'
import { type Sql, sql, trusted } from '../sql.ts'
import { isWidening, most, type Typed } from './widening.ts'

/** How a value of the old column becomes one of the new column, and back. `down` absent: there is no way back. */
export interface Mapping {
  readonly up: (old: Sql) => Sql
  readonly down: ((renewed: Sql) => Sql) | undefined
}

/** The same between two sets of columns: one value for each column of the other set, in their order. */
export interface RowMapping {
  readonly up: (olds: readonly Sql[]) => readonly Sql[]
  readonly down: ((news: readonly Sql[]) => readonly Sql[]) | undefined
  /** Is every value the same on both sides? */
  readonly isIdentity: boolean
}

export const TRANSFORMS = ['copy', 'trim', 'upper', 'lower'] as const
export type Transform = (typeof TRANSFORMS)[number]

const TRANSFORM_SQL: Readonly<Record<Transform, (value: Sql) => Sql>> = {
  copy: (value) => value,
  trim: (value) => sql`pg_catalog.btrim(${value})`,
  upper: (value) => sql`pg_catalog.upper(${value})`,
  lower: (value) => sql`pg_catalog.lower(${value})`,
}

/** Pairs of base types, stored in another way, where every old value has its place in the new type and comes back the same. */
const WIDENINGS = new Set(['smallint -> integer', 'smallint -> bigint', 'integer -> bigint'])

/** In which PostgreSQL counts: those of identities and sequences. */
export const INTEGER_TYPES: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint'])
const TEXT_TYPES = new Set(['text', 'character varying'])
/** An explicit cast to these cuts a value that is too long instead of refusing it. */
const CUTTING_TYPES = new Set(['character', 'bit', 'bit varying', 'name', '"char"'])

export type Target = Typed

/** Would an explicit cast to the type cut a value that is too long, and tell nobody? So it does for the elements of an array. */
export function cuts(to: Target): boolean {
  const element = to.baseType.replace(/(?:\[\])+$/, '')
  return CUTTING_TYPES.has(element) || (element !== to.baseType && TEXT_TYPES.has(element))
}

/** The mapping between two columns, or why there is none. */
export function mappingFor(
  from: Column,
  to: Target,
  transform: Transform,
  facts: Facts,
): Mapping | { problem: string } {
  if (transform !== 'copy' && !(TEXT_TYPES.has(from.baseType) && TEXT_TYPES.has(to.baseType))) {
    return { problem: `"${transform}" works on text, not from ${from.type} to ${to.type}` }
  }
  // A function of text gives text, whatever it was given: a transform always casts.
  if (from.type === to.type && transform === 'copy') return mapped(transform, same, same)
  const cast =
    from.baseType === to.baseType ? 'same' : (facts.casts[`${from.baseType} -> ${to.baseType}`] ?? 'none')
  if (cast === 'unsteady') {
    return {
      problem: `what ${from.type} becomes as ${to.type} depends on settings of the session, such as its time zone`,
    }
  }
  const longer = ASSIGNED[to.baseType]
  const isLonger = longer !== undefined && from.baseType === to.baseType && most(to) >= most(from)
  if (cast === 'none' || (cuts(to) && !isLonger)) {
    return { problem: `${from.type} cannot be assigned to ${to.type}` }
  }
  const up = to.baseType === 'text' && from.baseType === 'text' ? same : castTo(to)
  if (isLonger) return mapped(transform, up, (value) => sql`${value}::${longer}`)
  return mapped(transform, up, keepsEveryValue(from, to) ? castTo(from) : undefined)
}

/** Without a length: the assignment refuses what is too long, where an explicit cast would cut it. */
const ASSIGNED: Readonly<Record<string, Sql>> = {
  character: trusted('pg_catalog.bpchar'),
  'bit varying': trusted('pg_catalog.varbit'),
}

const same = (value: Sql): Sql => value

function mapped(transform: Transform, up: (old: Sql) => Sql, down: Mapping['down']): Mapping {
  const change = TRANSFORM_SQL[transform]
  return { up: (old) => up(change(old)), down: transform === 'copy' ? down : undefined }
}

/**
 * For text the length is left to the assignment, which refuses what is too long, where an explicit cast would cut it. The
 * other types round the same way in both.
 */
export function castTo(target: Target): (value: Sql) => Sql {
  const type = TEXT_TYPES.has(target.baseType) ? target.baseType : target.type
  const cast = pinnedType(type) ?? trusted(type)
  return (value) => sql`${value}::${cast}`
}

/** Has every value of the one its place in the other, from where it comes back? */
export function keepsEveryValue(from: Target, to: Target): boolean {
  const isNumber = INTEGER_TYPES.has(to.baseType) && from.baseType === to.baseType
  return isNumber || isWidening(from, to) || WIDENINGS.has(`${from.baseType} -> ${to.baseType}`)
}

/** Are two values of the one always two of the other, where all have their place there? Numbers with a scale are rounded, and times. */
export function keepsApart(from: Target, to: Target): boolean {
  return [INTEGER_TYPES, TEXT_TYPES].some((types) => types.has(from.baseType) && types.has(to.baseType))
}
