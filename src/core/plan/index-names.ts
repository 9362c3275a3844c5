import type { Index } from '../schema/indexes.ts'
import { defaultName } from './names.ts'
import type { IndexParts } from './parts.ts'

/** More of one name than anybody has. */
const NAMES_MAX = 20

/** The names that PostgreSQL would take for an index without one, in the order in which it looks for a free one. */
export function indexNames(table: string, { nameParts }: Pick<Index, 'nameParts'>): readonly string[] {
  return counted(table, nameParts, 'idx')
}

/** The same for a part of one, which may be a constraint. */
export function partNames(
  table: string,
  { nameParts, constraint }: Pick<IndexParts, 'nameParts' | 'constraint'>,
): readonly string[] {
  return counted(table, nameParts, constraint === undefined ? 'idx' : SUFFIXES[constraint.kind])
}

const SUFFIXES = { unique: 'key', primary_key: 'pkey' } as const

function counted(table: string, nameParts: readonly string[], suffix: string): readonly string[] {
  return Array.from({ length: NAMES_MAX }, (_, at) =>
    defaultName(table, nameParts, at === 0 ? suffix : `${suffix}${at}`),
  )
}
