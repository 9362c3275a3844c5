import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'

/** What must be asked of the server before a migration can be planned. */
export interface Needs {
  /** Tables, each with the columns whose dependents matter because they are to leave. */
  readonly tables: readonly (QualifiedName & { readonly columns: readonly string[] })[]
  /** Types as operations write them. */
  readonly types: readonly string[]
  /** Expressions as operations write them, each with the type that it must fit. */
  readonly expressions: readonly { readonly expression: string; readonly type: string }[]
  /** Queries that only read, about what no table of the model tells. Each is answered under its own text. */
  readonly questions: readonly Sql[]
}

/** What one operation has to do with, said before anything is known of the database. */
export interface OperationNeeds extends Partial<Omit<Needs, 'tables'>> {
  readonly tables: Needs['tables']
  /** What another operation of the migration must not touch as well. */
  readonly touches: readonly Touch[]
}

/** A column of a table, or the table itself. */
export interface Touch {
  readonly table: QualifiedName
  readonly column?: string
  /**
   * `adds`: it is not there before, and all later operations may build on it. `uses`: it stays, and others may use it, too.
   * `replaces`: its place is taken by something else, or by nothing, so nobody else may touch it. `alters`: in a way that the
   * model does not follow, so only its like may touch it.
   */
  readonly how: 'adds' | 'uses' | 'replaces' | 'alters'
}
