import type { Renamed } from '../../../plan/copied.ts'
import type { CarriedKey } from '../../../plan/standing-parts.ts'

/** Which column of a table it is to be made of, while both are there. */
export interface PrimaryKey extends CarriedKey {
  readonly columns: readonly KeyColumn[]
  /** The unique index of the new columns, and the one that lets the old ones be the key again at once. */
  readonly next: string
  readonly spare: string
}

export interface KeyColumn extends Renamed {
  /** What the old column is called when the new one has its name. */
  readonly hidden: string
}
