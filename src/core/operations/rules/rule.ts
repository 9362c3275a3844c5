import type { ExclusionFacts } from '../../schema/exclusions.ts'
import type { QualifiedName } from '../../schema/model.ts'

/** What every row of a table must keep to, in the one form that all operations on constraints understand. */
export type Rule = CheckRule | KeyRule | ForeignKeyRule | ExclusionRule

export interface CheckRule {
  readonly kind: 'check'
  readonly expression: string
}

export interface KeyRule {
  readonly kind: 'unique' | 'primary_key'
  readonly columns: readonly string[]
  readonly include: readonly string[]
  readonly nullsNotDistinct: boolean
  readonly deferrable: Deferrable | undefined
}

export interface ForeignKeyRule {
  readonly kind: 'foreign_key'
  readonly columns: readonly string[]
  readonly other: QualifiedName
  readonly otherColumns: readonly string[]
  readonly match: 'simple' | 'full'
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
  readonly deferrable: Deferrable | undefined
}

/** There is no way to build one while writers go on. */
export interface ExclusionRule {
  readonly kind: 'exclusion'
  /** What stands behind EXCLUDE, such as `using gist (room with =, during with &&)`. */
  readonly elements: string
  readonly deferrable: Deferrable | undefined
  /** Why everybody may wait for long while its index is built. */
  readonly reason?: string
  /** What the server makes of it; absent where nobody knows that yet. */
  readonly tried?: ExclusionFacts
}

export const DEFERRABLE = ['initially_immediate', 'initially_deferred'] as const
export type Deferrable = (typeof DEFERRABLE)[number]

export const REFERENTIAL_ACTIONS = ['no_action', 'restrict', 'cascade', 'set_null', 'set_default'] as const
export type ReferentialAction = (typeof REFERENTIAL_ACTIONS)[number]

/**
 * When a new rule comes up. Old instances may still write against it, so it waits for the contract unless somebody says that
 * they all keep to it already.
 */
export const RULE_TIMES = ['before_rollout', 'after_rollout'] as const
export type RuleTime = (typeof RULE_TIMES)[number]

export function timeOf({ when }: { readonly when?: RuleTime }): RuleTime {
  return when ?? 'after_rollout'
}

/** A rule on its way to a table, under its name. */
export interface NewRule<R extends Rule = Rule> {
  readonly table: QualifiedName
  readonly name: string
  readonly rule: R
  readonly time: RuleTime
}

/** What the operations on constraints write down of a foreign key, as files have it. */
export interface References {
  readonly namespace: string
  readonly table: string
  readonly on_delete?: ReferentialAction
  readonly on_update?: ReferentialAction
  readonly match?: 'simple' | 'full'
}

export function foreignKeyRule(
  columns: readonly string[],
  otherColumns: readonly string[],
  to: References,
  deferrable?: Deferrable,
): ForeignKeyRule {
  return {
    kind: 'foreign_key',
    columns,
    other: { namespace: to.namespace, name: to.table },
    otherColumns,
    match: to.match ?? 'simple',
    onDelete: to.on_delete ?? 'no_action',
    onUpdate: to.on_update ?? 'no_action',
    deferrable,
  }
}
