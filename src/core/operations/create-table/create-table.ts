import type { QualifiedName } from '../../schema/model.ts'
import type { AttachPartition } from '../partition/attach.ts'
import type { Reasoned } from '../reasoned.ts'

/** Makes a new table. Nobody uses it yet, so all of it is instant; foreign keys come one by one, each in a transaction of its own. */
export interface CreateTable extends Reasoned {
  readonly kind: 'create_table'
  readonly namespace: string
  readonly table: string
  readonly columns: readonly NewColumn[]
  /** Its columns; they are NOT NULL by it. */
  readonly primaryKey?: readonly string[]
  readonly constraints: readonly NewConstraint[]
  readonly comment?: string
  /** How its rows are divided, as in SQL behind PARTITION BY, by columns alone: `range (placed_at)`. */
  readonly partitionBy?: string
  /** Its first partitions, none of which has partitions of its own. */
  readonly partitions?: readonly NewPartition[]
  /** A table that is there, of the same namespace: this one is a partition of it, and has its columns and constraints from it. */
  readonly partitionOf?: PartitionOf
}

export interface PartitionOf extends Pick<AttachPartition, 'bounds' | 'refuseInDefault'> {
  readonly table: string
}

export interface NewPartition {
  /** In the namespace of the table. */
  readonly name: string
  /** As in SQL: `for values from (…) to (…)`, `for values in (…)`, `for values with (…)`, or `default`. */
  readonly bounds: string
}

export interface NewColumn {
  readonly name: string
  /** As in SQL, such as `varchar(20)`. */
  readonly type: string
  readonly nullable: boolean
  /** An SQL expression, evaluated for each new row. */
  readonly default?: string
  /** An immutable SQL expression over other columns, stored with the row. */
  readonly generated?: string
  readonly identity?: 'always' | 'by_default'
  readonly comment?: string
}

/** A name is what PostgreSQL would choose when absent. */
export type NewConstraint = { readonly name?: string } & (
  | { readonly kind: 'unique'; readonly columns: readonly string[] }
  | { readonly kind: 'check'; readonly expression: string }
  | NewForeignKey
)

export interface NewForeignKey {
  readonly kind: 'foreign_key'
  readonly name?: string
  readonly columns: readonly string[]
  /** The primary key of that table when no columns are named. */
  readonly references: QualifiedName & { readonly columns?: readonly string[] }
  readonly onDelete: KeyAction
  readonly onUpdate: KeyAction
  readonly deferrable?: 'immediate' | 'deferred'
}

export const KEY_ACTIONS = ['no_action', 'restrict', 'cascade', 'set_null', 'set_default'] as const
export type KeyAction = (typeof KEY_ACTIONS)[number]

export function foreignKeysOf({ constraints }: CreateTable): readonly NewForeignKey[] {
  return constraints.filter((one) => one.kind === 'foreign_key')
}
