import type { QualifiedName } from '../../schema/model.ts'

/** Makes a table a partition of another one, of the same namespace, without a look at its rows under a lock. */
export interface AttachPartition {
  readonly kind: 'attach_partition'
  readonly namespace: string
  readonly table: string
  readonly partition: string
  /** As in SQL: `for values from ('2026-01-01') to ('2027-01-01')`. */
  readonly bounds: string
  /**
   * Where there is a default partition that is not small: accepts that a row which is within the bounds and would go there is refused
   * for as long as that partition is read.
   */
  readonly refuseInDefault?: true
}

export function thePart({ namespace, partition }: AttachPartition): QualifiedName {
  return { namespace, name: partition }
}
