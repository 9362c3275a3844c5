import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'

/** A look for rows of a table that are in the way. */
export interface Inspection {
  readonly table: QualifiedName
  /** Makes and fills tables that it reads, in a namespace of the moment: whoever looks takes them back. */
  readonly made?: readonly Sql[]
  /** Gives the rows in the way, as many as are worth showing. No row: the way is free. */
  readonly offenders: Sql
  /** The same while the run has hidden columns, the first that holds: a rollback looks before it brings them back. */
  readonly whileHidden?: readonly { readonly when: Sql; readonly offenders: Sql }[]
  /** What is wrong with them, as a sentence. */
  readonly otherwise: string
  /** What to do about them. */
  readonly hint: string
}

export interface Refusable {
  /** Looked for where rows fail the step: they came after the last look. */
  readonly refusedBy?: Inspection
}
