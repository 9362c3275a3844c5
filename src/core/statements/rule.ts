import type { Tree } from '../parse.ts'
import type { Statements } from './statement.ts'

/** The text that a statement stands in. */
export interface Setting {
  readonly statements: Statements
  readonly namespace: string
  readonly part: 'expand' | 'contract' | 'down'
  /** Of `down`: the statements of `up`, which may be taken back. */
  readonly takesBack?: Statements
  readonly outside: boolean
}

export interface Rule {
  readonly code: string
  readonly finds: (statement: Tree.Node, setting: Setting) => boolean
  /** What the statement does, after "it". */
  readonly what: string
  readonly why: string
  readonly instead: string
}
