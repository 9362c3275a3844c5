import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'
import type { Renamed } from './copied.ts'

/** An index of a partitioned table, and how its parts are known. */
export interface IndexParts {
  /**
   * `build` gives each partition its part, concurrently and one by one; `stand` only builds what each is to have, and leaves it alone;
   * `drop` takes away what an interrupted build left, or what stands alone.
   */
  readonly how: 'build' | 'stand' | 'drop'
  readonly table: QualifiedName
  readonly index: QualifiedName
  /** As in `IndexFacts`; null: as the index of the table is. */
  readonly using: string | null
  readonly tablespace: string | null
  /** Its columns in order, from which the names of the parts are made. */
  readonly nameParts: readonly string[]
  /** Parts are called so, and something behind it, until they are attached. */
  readonly prefix: string
  /** Of a constraint: each part is one, too. */
  readonly constraint?: PartConstraint
  /** What columns of one that stands are called when it is built, and when it becomes a key: then nothing is left to be named. */
  readonly named?: readonly Renamed[]
}

export interface PartConstraint {
  readonly kind: 'unique' | 'primary_key'
  /** What stands behind its name, of a table that has no rows itself. */
  readonly definition: Sql
  /** What stands before `USING INDEX`, and behind the index. */
  readonly usingIndex: { readonly before: Sql; readonly after: Sql }
}

/** Unique indexes of single partitions, under no index of the table: what is part of another one cannot become a key. */
export type StandingParts = Omit<IndexParts, 'how' | 'constraint'> & { readonly using: string }

/** A foreign key of a partitioned table, which its partitions have before it. */
export interface ForeignKeyParts {
  /** `drop` takes away what an interrupted one has left on partitions. */
  readonly how: 'add' | 'drop'
  readonly table: QualifiedName
  readonly other: QualifiedName
  readonly name: string
  /** What stands behind `ADD CONSTRAINT name`. */
  readonly definition: Sql
  /** Of the constraint of the table. */
  readonly comment: string | null
  /** Where the other table is partitioned, too: the columns of the key, after which PostgreSQL names those that are under it. */
  readonly columns?: readonly string[]
}
