import type { BellowsError } from '../errors.ts'
import type { Change, StepDraft } from '../plan/step.ts'
import type { Facts, Schema } from '../schema/model.ts'
import type { AddColumn } from './add-column.ts'
import type { DropColumn } from './drop-column.ts'
import type { RenameColumn } from './rename-column.ts'

export type Operation = AddColumn | DropColumn | RenameColumn

/** A named, ordered list of operations: what a person writes in one file. */
export interface Migration {
  /** Such as `0007_add_slug`; unique among the migrations of a database. */
  readonly name: string
  readonly operations: readonly Operation[]
  /** A run in the opposite direction: it makes no versions but takes these back, when the phase is done. */
  readonly reverses?: {
    readonly [P in 'backfill' | 'purge']?: readonly (VersionRef & { readonly change: Change })[]
  }
}

/** A version in the history, by its number and its name. */
export interface VersionRef {
  readonly version: number
  readonly name: string
}

/** What an operation may look at. The schema is the one before the operation. */
export interface Context {
  readonly schema: Schema
  readonly facts: Facts
  /** Makes the names of temporary objects unique: the migration's name and the operation's position. */
  readonly seed: string
}

/** An operation tells its whole story in these fields, always in this order. None of them touches the database. */
export interface OperationSpec<Op> {
  /** Every problem, each with what to do about it. */
  readonly check: (op: Op, context: Context) => readonly BellowsError[]
  /** The schema after contract. The only place where the model changes. */
  readonly apply: (op: Op, schema: Schema, facts: Facts) => Schema
  readonly expand: (op: Op, context: Context) => readonly StepDraft[]
  readonly backfill: (op: Op, context: Context) => readonly StepDraft[]
  /** From the verification to the purge. */
  readonly contract: (op: Op, context: Context) => readonly StepDraft[]
  /** Back to the start from anywhere before purge. The steps that undo retire come first and carry that phase. */
  readonly rollback: (op: Op, context: Context) => readonly StepDraft[]
}
