import { qualified } from '../sql.ts'
import type { QualifiedName } from './model.ts'

/** What stands behind EXCLUDE, as an operation writes it, for a table. */
export interface ExclusionNeed {
  readonly table: QualifiedName
  readonly elements: string
}

/** What the server makes of an exclusion that was tried on an empty copy of its table. */
export interface ExclusionFacts {
  /** What stands behind EXCLUDE as the server prints it, with every name resolved. */
  readonly elements: string
  /** What is compared, as expressions, in which operator class, and by which operator each. */
  readonly keys: readonly string[]
  readonly classes: readonly string[]
  readonly operators: readonly string[]
  /** The access method of its index. */
  readonly method: string
  /** Absent when every row is compared. */
  readonly predicate: string | null
}

export function exclusionKey({ table, elements }: ExclusionNeed): string {
  return `${elements} on ${qualified(table)}`
}
