import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'

/**
 * Something that leaves and is neither a column nor a table, such as an index, a function or a default. No instance declares it:
 * whoever is of the version that is to stay does without, and everybody else may need it. See decision 0031.
 */
export interface Thing {
  /** For people, such as `the index public.users_email`; its door goes by it as well. */
  readonly called: string
  /**
   * Whom it matters to: whoever uses anything of the table that it is on; whoever is there, and whoever declares the relation that
   * it is itself; or whoever is there.
   */
  readonly reach: 'table' | 'relation' | 'all'
  /** How its use shows; absent of what nobody names, such as a trigger. */
  readonly shows?: readonly Shows[]
  /** Is nothing of it in the log of the table? Absent where there may be, be it that the plan was made before anybody asked. */
  readonly notInLog?: true
  /** A query for what PostgreSQL knows to depend on it: one `name` a row, such as `view public.loud`. */
  readonly dependents?: Sql
}

/** Of what is neither rows nor what rows are told apart by. */
export const NOT_IN_LOG = { notInLog: true } as const

/** By what in a statement, or by which counter, somebody is seen who uses a thing. */
export type Shows =
  | { readonly by: 'relation'; readonly name: QualifiedName }
  | { readonly by: 'routine'; readonly name: QualifiedName }
  | { readonly by: 'type'; readonly name: QualifiedName }
  /** `ON CONFLICT` of its columns, or of its name; of its name alone where no columns are given. */
  | {
      readonly by: 'conflict'
      readonly table: QualifiedName
      readonly constraint: string
      readonly columns?: readonly string[]
    }
  /** How often an index was read, by whomever. */
  | { readonly by: 'scans'; readonly index: QualifiedName }
