import type { Transform } from '../../plan/mapping.ts'
import type { Retype } from '../retype/retype.ts'

/**
 * Renames a column by copy: a new column is kept in step with the old one by a trigger while both are in use, is filled,
 * verified, and takes over everything that hung on the old one; then the old one is hidden and dropped. What else is to become
 * of the column comes with it: type, collation and NOT NULL.
 */
export interface RenameColumn extends Retype {
  readonly kind: 'rename_column'
  readonly from: string
  /** A column of this name that is already there is adopted when it fits: nullable, without a default of its own. */
  readonly to: string
  /** What the copy does to a value, `copy` when absent. The others have no way back, see `overlap`; beside `up` there is none. */
  readonly transform?: Transform
  /** `forward_only`: values written to the new column need not come back; such writes fail until the old one is retired. */
  readonly overlap?: 'forward_only'
}
