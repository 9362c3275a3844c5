import type { QualifiedName } from '../schema/model.ts'

/** An index of a partitioned table, and how its parts are known. */
export interface IndexParts {
  /** `build` gives each partition its part, concurrently and one by one; `drop` takes away what an interrupted build left. */
  readonly how: 'build' | 'drop'
  readonly table: QualifiedName
  readonly index: QualifiedName
  /** As in `IndexFacts`; null: as the index of the table is. */
  readonly using: string | null
  readonly tablespace: string | null
  /** Its columns in order, from which the names of the parts are made. */
  readonly nameParts: readonly string[]
  /** Parts are called so, and something behind it, until they are attached. */
  readonly prefix: string
}
