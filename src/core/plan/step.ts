import type { ErrorCode } from '../errors.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'

/**
 * The stretches of a run, in their order. `contract`, as people say it, is `retire` (the old shape disappears, undo is
 * instant) and then `purge` (it is dropped). `verify` stands between the data and the rollout.
 */
export const PHASES = ['expand', 'backfill', 'verify', 'rollout', 'retire', 'purge'] as const
export type Phase = (typeof PHASES)[number]

/** Table locks of PostgreSQL, weakest first. */
export const LOCK_LEVELS = [
  'access_share',
  'row_share',
  'row_exclusive',
  'share_update_exclusive',
  'share',
  'share_row_exclusive',
  'exclusive',
  'access_exclusive',
] as const
export type LockLevel = (typeof LOCK_LEVELS)[number]

export interface Lock {
  readonly relation: QualifiedName
  readonly level: LockLevel
  /** Taken by the statements as they go, not ahead of them: the role may own one table and not the other. */
  readonly implied?: true
}

export interface Hazard {
  readonly code: HazardCode
  /** A sentence: what can happen and to whom. */
  readonly because: string
}

export type HazardCode =
  | 'stops_clients'
  | 'scans'
  | 'drops_values'
  | 'goes_with_column'
  | 'column_is_last'
  | 'explicit_null_read_as_omitted'
  | 'forward_only'
  | 'narrow_until_contract'
  | 'user_triggers_fire'
  | 'blocks_contract'
  | 'may_break'
  | 'upsert_race'
  | 'column_slots'
  | 'unsafe'
  | 'stays'

/** A fact that must hold inside the transaction, after its locks were taken and before anything is changed. */
export interface Requirement {
  /** A boolean expression that reads the catalog only: it never scans a table. */
  readonly that: Sql
  readonly code: ErrorCode
  /** What is wrong when it does not hold. */
  readonly otherwise: string
}

/** A change of the shape that applications see, or of its contents. Each makes a version. */
export type Change =
  | { readonly kind: 'added'; readonly column: string }
  | { readonly kind: 'copied'; readonly from: string; readonly to: string }
  | { readonly kind: 'removed'; readonly column: string }

/** The name of a version, as people see it in the history. */
export function versionName(change: Change): string {
  switch (change.kind) {
    case 'added':
      return `add_${change.column}_column`
    case 'copied':
      return `copy_${change.from}_to_${change.to}`
    case 'removed':
      return `remove_${change.column}_column`
  }
}

interface Common {
  /** Deterministic, such as `0007_add_slug/expand/2`. */
  readonly id: string
  readonly phase: Phase
  /** What the step does, as a sentence without a subject. */
  readonly does: string
  readonly hazards: readonly Hazard[]
  /** A read-only boolean expression: is this already true? */
  readonly probe: Sql
  /** What applications see change when the step is done: the schema has a new version then. */
  readonly changes?: Change
}

/** A step that is one short transaction, sent to the server as one message, COMMIT included. */
export interface TransactionStep extends Common {
  readonly kind: 'ddl' | 'install_dual_write' | 'validate' | 'retire' | 'purge'
  readonly locks: readonly Lock[]
  readonly requires: readonly Requirement[]
  readonly statements: readonly Sql[]
  /** `unknown`: its author has said why it may take long. */
  readonly cost: 'instant' | 'scan' | 'unknown'
  /** What the step makes: one that is there without a record is somebody else's. */
  readonly makes?: string
  /** What a step of the way back takes away: only what the run has made. */
  readonly unmakes?: string
  /** The column that disappears for clients: the step may run only behind the gate of that column. */
  readonly retires?: { readonly table: QualifiedName; readonly column: string }
}

/** `CREATE INDEX CONCURRENTLY`: outside transactions, checked for validity, an invalid leftover is dropped and rebuilt. */
export interface ConcurrentIndexStep extends Common {
  readonly kind: 'concurrent_index'
  readonly locks: readonly Lock[]
  readonly index: QualifiedName
  readonly statement: Sql
}

/** A statement that PostgreSQL takes only outside a transaction, such as `DROP INDEX CONCURRENTLY`. */
export interface OutsideStep extends Common {
  readonly kind: 'outside'
  readonly locks: readonly Lock[]
  /** Each may be given again when it was interrupted. */
  readonly statements: readonly Sql[]
  readonly cost: 'instant' | 'scan'
}

/** Looks for rows that are in the way of what comes, such as duplicates of a key, before anything is changed. */
export interface InspectStep extends Common {
  readonly kind: 'inspect'
  readonly table: QualifiedName
  /** Gives the rows in the way, as many as are worth showing. No row: the way is free. */
  readonly offenders: Sql
  /** What is wrong with them, as a sentence. */
  readonly otherwise: string
  /** What to do about them. */
  readonly hint: string
}

/** Fills the new column of the rows that were there before the dual write. */
export interface BackfillStep extends Common {
  readonly kind: 'backfill'
  readonly table: QualifiedName
  /** `"new" = up(row)`, evaluated inside the UPDATE; never a value read earlier. */
  readonly set: Sql
  /** Condition of the rows that still wait. */
  readonly unfilled: Sql
  /** Columns that name a row to a person. */
  readonly key: readonly string[]
}

/** Compares the whole table, chunk by chunk, and reports the rows that break the relation. */
export interface VerifyStep extends Common {
  readonly kind: 'verify'
  readonly table: QualifiedName
  readonly unfilled: Sql
  /** The relation R: holds for every row that is consistent. */
  readonly relation: Sql
  /** Consistent by the second half of R only: reported, not failed. */
  readonly lossy: Sql
  readonly key: readonly string[]
  readonly columns: { readonly from: string; readonly to: string }
}

/** Closes the door, looks at the evidence, and opens only when nobody needs the column any more. */
export interface GateStep extends Common {
  readonly kind: 'gate'
  readonly table: QualifiedName
  readonly column: string
  /** Where writes of it are counted. */
  readonly counter?: string
}

export type Step =
  | TransactionStep
  | ConcurrentIndexStep
  | OutsideStep
  | InspectStep
  | BackfillStep
  | VerifyStep
  | GateStep

/** Steps that work through a table and are done when their checkpoint says so; the planner knows that probe. */
export type TableStep = BackfillStep | VerifyStep

type Draft<S> = S extends TableStep | InspectStep
  ? Omit<S, 'id' | 'probe'>
  : S extends Step
    ? Omit<S, 'id'>
    : never
/** A step as an operation states it; the planner gives it its place and its id. */
export type StepDraft = Draft<Step>

export function isTransaction(step: Step): step is TransactionStep {
  return 'requires' in step
}
