import type { Sql } from '../sql.ts'

/** A new column as the dual write will fill it in a row that is there, so that it can be tried before anything is changed. */
export interface Tried {
  readonly column: string
  /** What people call it. */
  readonly called: string
  /** As the column is added; absent where it is there already. */
  readonly type?: Sql
  /** Columns that its values are made of. */
  readonly from: readonly string[]
  /** Over the fields of the record `new`, each assigned as by a trigger: the second where the first gives NULL. */
  readonly values: readonly Sql[]
  readonly notNull: boolean
}

export interface Trying {
  /** What rows would get, where one of them may not be able to: tried before the run begins. */
  readonly tries?: readonly Tried[]
}
