import type { BellowsError } from '../errors.ts'
import type { Duty } from '../plan/row-trigger.ts'
import type { Phase, StepDraft } from '../plan/step.ts'
import type { Facts } from '../schema/facts.ts'
import type { QualifiedName, Schema } from '../schema/model.ts'
import type { OperationNeeds } from './needs.ts'
import type { ColumnOf } from './rules/followers.ts'

/** What an operation may look at. The schema is the one before the operation. */
export interface Context {
  readonly schema: Schema
  /** The one before the whole migration, every text of it as the server printed it. */
  readonly given: Schema
  readonly facts: Facts
  /** Makes the names of temporary objects unique: the migration's name and the operation's position. */
  readonly seed: string
  /** Tables that operations in front of this one drop, each with the seed of its operation: until the purge they are only hidden. */
  readonly droppedBefore?: readonly { readonly table: QualifiedName; readonly seed: string }[]
  /** Columns that operations behind this one give another name, and what each is called from the contract to the purge. */
  readonly renamedBehind?: readonly (ColumnOf & { readonly hidden: string })[]
  /** The same of every column that an operation behind this one copies, also where the copy takes over its name. */
  readonly hiddenBehind?: Context['renamedBehind']
  /** Of one that gives a table another name: the phases in which operations in front of it work on that table. */
  readonly worked?: readonly Phase[]
  /** What the operations do with every row of the table that share their triggers, this one included. */
  readonly shared?: readonly Duty[]
}

/** An operation tells its whole story in these fields, always in this order. None of them touches the database. */
export interface OperationSpec<Op> {
  /** What must be known of the database to plan it, and what it touches. */
  readonly needs: (op: Op) => OperationNeeds
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
