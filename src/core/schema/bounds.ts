import { qualified } from '../sql.ts'
import type { QualifiedName } from './model.ts'

/** What the rows of a partition have in common, as it is written: `for values from ('2026-01-01') to ('2027-01-01')`. */
export interface BoundNeed {
  readonly table: QualifiedName
  readonly bounds: string
}

export interface BoundFacts {
  /** What every row of such a partition meets, as the server prints it. */
  readonly proof: string
}

export function boundKey({ table, bounds }: BoundNeed): string {
  return `${bounds} of ${qualified(table)}`
}
