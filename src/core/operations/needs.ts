import type { BoundNeed } from '../schema/bounds.ts'
import type { DefinitionNeed } from '../schema/definitions.ts'
import type { ExclusionNeed } from '../schema/exclusions.ts'
import type { RowShape, RowValue } from '../schema/facts.ts'
import type { MappingNeed } from '../schema/mappings.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'

/** What must be asked of the server before a migration can be planned. */
export interface Needs {
  /** Tables, each with the columns whose dependents matter because they are to leave; or all of it is. */
  readonly tables: readonly (QualifiedName & {
    readonly columns: readonly string[]
    readonly leaves?: boolean
    /** Its partitions leave with it, each of which has a name of its own that others may use. */
    readonly partsLeave?: boolean
    /** Tables whose foreign keys point at the columns are needed as well, and those that point at these. */
    readonly follows?: boolean
  })[]
  /** Types of which every column of every table is needed, to leave. */
  readonly ofTypes: readonly QualifiedName[]
  /** Types as operations write them. */
  readonly types: readonly string[]
  /** Expressions as operations write them, each with the type that it must fit. */
  readonly expressions: readonly {
    readonly expression: string
    readonly type: string
    readonly row?: RowShape
    /** It is to be the default of that type, which is a domain: how the server prints it is asked as well. */
    readonly ofDomain?: true
  }[]
  /** The same for a default of a column that is there, whose type only the server knows. */
  readonly defaults: readonly (DefaultNeed & {
    /** Of one that the migration copies or makes: what it is by then, and how the server prints the default is asked as well. */
    readonly coming?: readonly AddedColumn[]
  })[]
  /** Conditions that the rows of a table are to meet, each with the columns that the migration adds to the table so far. */
  readonly conditions: readonly (ConditionNeed & { readonly added: readonly AddedColumn[] })[]
  /** Names that something new may get, in a namespace where something may be made. */
  readonly names: readonly QualifiedName[]
  /** What columns are to hold, row by row, each with the columns that the migration adds to the table so far. */
  readonly values: readonly (RowValue & { readonly added?: readonly AddedColumn[] })[]
  /** Expressions that carry values between columns of one table. */
  readonly mappings: readonly MappingNeed[]
  /** Collations by name, each with the namespace of its table. */
  readonly collations: readonly QualifiedName[]
  /**
   * Index definitions as operations write them, each with the columns that operations before it add to the table; and how that is
   * divided, if one of them makes it.
   */
  readonly indexes: readonly (IndexNeed & {
    readonly added: readonly AddedColumn[]
    readonly divided?: Sql
  })[]
  /** The same of what operations write behind EXCLUDE. */
  readonly exclusions: readonly (ExclusionNeed & {
    readonly added: readonly AddedColumn[]
    readonly divided?: Sql
  })[]
  /** Storage parameters of tables with their values, as SQL. */
  readonly options: readonly Sql[]
  /** Definitions of objects, to be tried. */
  readonly definitions: readonly DefinitionNeed[]
  /** Views that are to be made anew as they are. */
  readonly views: readonly QualifiedName[]
  /** Bounds of partitions as operations write them. */
  readonly bounds: readonly BoundNeed[]
  /** What makes the types and the functions that the migration makes itself, each as statements of its own. */
  readonly objects: readonly (readonly Sql[])[]
  /** Queries that only read, about what no table of the model tells. Each is answered under its own text. */
  readonly questions: readonly Sql[]
}

export interface DefaultNeed {
  readonly table: QualifiedName
  readonly column: string
  readonly expression: string
}

export interface ConditionNeed {
  readonly table: QualifiedName
  readonly condition: string
}

export interface IndexNeed {
  readonly table: QualifiedName
  readonly definition: string
}

export interface AddedColumn {
  readonly column: string
  /** As the operation writes it; that of the column `like` when absent. */
  readonly type?: string
  /** The column that it is copied from, under the same name or another one. */
  readonly like?: string
  /** The name of a collation as the operation writes it; as far as the type has an order of texts, that of `like` when absent. */
  readonly collation?: string
}

/** What one operation has to do with, said before anything is known of the database. */
export interface OperationNeeds
  extends Partial<
    Omit<Needs, 'tables' | 'conditions' | 'indexes' | 'exclusions' | 'defaults' | 'values' | 'definitions'>
  > {
  readonly tables: Needs['tables']
  readonly defaults?: readonly DefaultNeed[]
  readonly conditions?: readonly ConditionNeed[]
  readonly indexes?: readonly IndexNeed[]
  readonly exclusions?: readonly ExclusionNeed[]
  readonly values?: readonly RowValue[]
  /** How a table that it makes is divided, if it is. */
  readonly divides?: { readonly table: QualifiedName; readonly by: Sql }
  /** What it adds to its tables, for what later operations say about it. */
  readonly adds?: readonly (AddedColumn & { readonly table: QualifiedName })[]
  /** What another operation of the migration must not touch as well. */
  readonly touches: readonly Touch[]
}

export type Touch = TableTouch | ObjectTouch

/** A column of a table, a constraint of it, or the table itself. */
export interface TableTouch {
  readonly table: QualifiedName
  readonly column?: string
  readonly constraint?: string
  /**
   * `adds`: it is not there before, and all later operations may build on it. `uses`: it stays, and others may use it, too.
   * `describes`: the same, and whatever takes its place later takes that over.
   * `replaces`: its place is taken by something else, or by nothing, so nobody else may touch it. `alters`: in a way that the
   * model does not follow, or that looks at it as it is now, so only its like may touch it.
   */
  readonly how: 'adds' | 'uses' | 'describes' | 'replaces' | 'alters'
  /** Columns of foreign keys that point at it are meant as well. */
  readonly follows?: true
}

/** Anything else, as a person would call it, such as `function public.area(integer)` or a value of an enum. */
export interface ObjectTouch {
  readonly object: string
  readonly how: Exclude<TableTouch['how'], 'alters' | 'describes'>
}
