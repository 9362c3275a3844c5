import type { Index } from '../schema/indexes.ts'
import { defaultName } from './names.ts'

/** More of one name than anybody has. */
const NAMES_MAX = 20

/** The names that PostgreSQL would take for an index without one, in the order in which it looks for a free one. */
export function indexNames(table: string, { nameParts }: Pick<Index, 'nameParts'>): readonly string[] {
  return Array.from({ length: NAMES_MAX }, (_, at) =>
    defaultName(table, nameParts, at === 0 ? 'idx' : `idx${at}`),
  )
}
