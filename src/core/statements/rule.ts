import type { Tree } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Statements } from './statement.ts'

/** The text that a statement stands in. */
export interface Setting {
  readonly statements: Statements
  readonly namespace: string
  readonly part: 'expand' | 'contract' | 'down'
  /** Of `down`: the statements of `up`, which may be taken back. */
  readonly takesBack?: Statements
  readonly outside: boolean
  /** Where nobody asked the server, every name that it would know counts. */
  readonly known?: Known
}

/** What only the server knows of the names in a text; nothing where it did not say. */
export interface Known {
  /** Functions that may do more than give a value. */
  readonly acting: ReadonlySet<string> | undefined
  /** Types of new columns that check what they hold. */
  readonly checking: ReadonlySet<string> | undefined
  /** Is a column NOT NULL? */
  readonly filled?: (table: QualifiedName, column: string) => boolean
  /** May instances that run write it? Neither a materialized view nor what the migration makes itself. */
  readonly written?: (table: QualifiedName) => boolean
}

export interface Rule {
  readonly code: string
  readonly finds: (statement: Tree.Node, setting: Setting) => boolean
  /** What the statement does, after "it". */
  readonly what: string
  readonly why: string
  readonly instead: string
}
