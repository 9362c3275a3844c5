export interface Index {
  readonly name: string
  /** Every column that the index needs: keys, INCLUDE, expressions, predicate. */
  readonly columns: readonly string[]
  /** What `pg_get_indexdef` prints. */
  readonly definition: string
  readonly unique: boolean
  readonly valid: boolean
  /** The constraint that it carries. */
  readonly constraint: string | null
  readonly comment: string | null
  /** Only when it is not the database's own. */
  readonly tablespace: string | null
  readonly replicaIdentity: boolean
  readonly clustered: boolean
  /** Partitions that go by their part of it: as their replica identity, or else in CLUSTER. */
  readonly markedParts?: readonly MarkedPart[] | null
  /** Foreign keys, of any table, that rely on it. */
  readonly foreignKeys: readonly string[]
  /** Its columns in order, `expr` for an expression: what PostgreSQL builds the default name from. */
  readonly nameParts: readonly string[]
}

/** A partition, by its name. */
export interface MarkedPart {
  readonly namespace: string
  readonly name: string
  readonly replicaIdentity: boolean
}

/** What came of an index that was tried on an empty copy of its table. */
export interface IndexFacts {
  /** Under the name that it says, or the one that PostgreSQL would choose if that were free. */
  readonly index: Index
  /** The definition from `USING` on, behind `UNIQUE` if it is: the same whatever index and table are called. */
  readonly using: string
  /** What a row is equal by, as expressions. */
  readonly keys: readonly string[]
  /** Absent when every row is in the index. */
  readonly predicate: string | null
  readonly nullsDistinct: boolean
  /** Relations that have the name already, or one that PostgreSQL would choose next. */
  readonly namesakes: readonly Namesake[]
}

export interface Namesake {
  readonly name: string
  /** The table of an index, when that is in the same namespace. */
  readonly table: string | null
  readonly valid: boolean
  readonly using: string | null
}
