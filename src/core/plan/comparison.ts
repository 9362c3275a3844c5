import type { Sql } from '../sql.ts'

/** Columns that are compared, and how. */
export interface Comparison {
  readonly unfilled: Sql
  /** The relation R: holds for every row that is consistent. */
  readonly relation: Sql
  /** Consistent by the second half of R only: reported, not failed. */
  readonly lossy: Sql
  readonly columns: { readonly from: string; readonly to: string }
}
