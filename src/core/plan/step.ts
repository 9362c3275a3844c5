import type { ErrorCode } from '../errors.ts'
import type { QualifiedName } from '../schema/model.ts'
import type { Sql } from '../sql.ts'
import type { Change } from './change.ts'
import type { Comparison } from './comparison.ts'
import type { Hazard } from './hazard.ts'
import type { Inspection, Refusable } from './inspection.ts'
import type { Leaver } from './leaver.ts'
import type { ForeignKeyParts, IndexParts, StandingParts } from './parts.ts'
import type { Shares } from './shares.ts'
import type { Trying } from './tried.ts'

/** The stretches of a run, in order. What people call contract is `retire` (the old shape disappears, undo is instant) and `purge` (it is dropped). */
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
  /** Of a partitioned table: without its partitions. */
  readonly only?: true
  /** The table of which it is a partition, and with which it is locked. A draft says so, a plan does not. */
  readonly partOf?: QualifiedName
}

/** A fact that must hold inside the transaction, after its locks were taken and before anything is changed. */
export interface Requirement {
  /** A boolean expression that reads the catalog only: it never scans a table. */
  readonly that: Sql
  readonly code: ErrorCode
  /** What is wrong when it does not hold. */
  readonly otherwise: string
  /** Says behind that what is in the way: a text, as an SQL expression. */
  readonly which?: Sql
  /** Of a way back: no step before it changes this, so it is asked before anything is taken back. */
  readonly early?: true
  /** But where a step before it takes this away: that may be what is in the way. */
  readonly freedBy?: string
}

export type Made = QualifiedName | string

interface Common extends Refusable {
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
  /** What they see besides, where several operations are done at once. */
  readonly changesAlso?: readonly Change[]
  /** What the step makes, a relation or anything else as a person would call it: one that is there before is somebody else's. */
  readonly makes?: Made
  /** What a step of a rollback takes back, if the run has made it. */
  readonly unmakes?: Made
  /** Of a step of a rollback: all steps of the same operation that leave something. Where none was begun, it has nothing to do. */
  readonly undoes?: readonly string[]
  /** What disappears for clients: the step may run only behind the gate of that; in a rollback only where no instance uses it. */
  readonly retires?: Leaver
  /** What else goes with it, at the same time. */
  readonly retiresAlso?: readonly Leaver[]
}

/** A step that is one short transaction, sent to the server as one message, COMMIT included. */
export interface TransactionStep extends Common {
  readonly kind: 'ddl' | 'install_dual_write' | 'validate' | 'retire' | 'purge'
  readonly locks: readonly Lock[]
  readonly requires: readonly Requirement[]
  /** What each partition has to have by then: one that came meanwhile gets it before the transaction, which is tried anew. */
  readonly stands?: readonly StandingParts[]
  /** Each on its own and outside a transaction, before it: what leaves little to do while everybody waits. Each may be given again. */
  readonly ahead?: readonly Sql[]
  readonly statements: readonly Sql[]
  /** What must hold behind the statements, where the probe asks for more than they bring about. */
  readonly after?: Sql
  /**
   * `small`: reads a table whose size it has asked for within its lock, while everybody waits. `rows`: as many as a user's statement
   * names. `unknown`: a user says why it may take long.
   */
  readonly cost: 'instant' | 'small' | 'rows' | 'scan' | 'unknown'
}

/** `CREATE INDEX CONCURRENTLY`: outside transactions, checked for validity, an invalid leftover is dropped and rebuilt. */
export interface ConcurrentIndexStep extends Common {
  readonly kind: 'concurrent_index'
  readonly locks: readonly Lock[]
  readonly index: QualifiedName
  readonly statement: Sql
  /** Looked at before anything is dropped or built; nothing keeps them true meanwhile. */
  readonly requires?: readonly Requirement[]
}

/** A statement that PostgreSQL takes only outside a transaction, such as `DROP INDEX CONCURRENTLY`. */
export interface OutsideStep extends Common {
  readonly kind: 'outside'
  readonly locks: readonly Lock[]
  /** Each may be given again when it was interrupted. */
  readonly statements: readonly Sql[]
  /** What an interrupted attempt left half done, and what ends that. */
  readonly begun?: { readonly when: Sql; readonly statement: Sql }
  readonly cost: 'instant' | 'scan'
  /** Looked at before the statements; nothing keeps them true meanwhile. */
  readonly requires?: readonly Requirement[]
}

/** Works through the partitions of a table, on all levels, that it finds as it runs. */
export interface IndexPartsStep extends Common, IndexParts {
  readonly kind: 'index_parts'
  readonly locks: readonly Lock[]
}

/** Proves CHECKs partition by partition: none is kept from its writers, or from vacuum, for as long as all of them take. */
export interface ValidatePartsStep extends Common {
  readonly kind: 'validate_parts'
  readonly table: QualifiedName
  readonly checks: readonly string[]
  readonly locks: readonly Lock[]
}

/** Gives each partition a foreign key, proves it, and then lets their table take these over, which reads nothing. */
export interface ForeignKeyPartsStep extends Common, ForeignKeyParts {
  readonly kind: 'foreign_key_parts'
  readonly locks: readonly Lock[]
}

/** Looks for rows that are in the way of what comes, such as duplicates of a key, before anything is changed. */
export interface InspectStep extends Common, Inspection {
  readonly kind: 'inspect'
  /** Asked right before a look that may take very long. */
  readonly requires?: readonly Requirement[]
}

/** Fills the new column of the rows that were there before the dual write. */
export interface BackfillStep extends Common, Trying {
  readonly kind: 'backfill'
  readonly table: QualifiedName
  /** Other tables in which a row looks its value up. */
  readonly reads?: readonly QualifiedName[]
  /** `"new" = up(row)`, evaluated inside the UPDATE; never a value read earlier. */
  readonly set: Sql
  /** Condition of the rows that still wait. */
  readonly unfilled: Sql
  /** What waits for each column, where several are filled at once. */
  readonly each?: readonly Pick<Comparison, 'unfilled'>[]
  /** What a row gets may be NULL, and then it waits for nothing more: each is tried once. */
  readonly once?: true
  /** Columns that name a row to a person. */
  readonly key: readonly string[]
  /** Is the table partitioned? Then each partition that has rows is gone through, also one that came meanwhile. */
  readonly byPartition?: true
}

/** Compares the whole table, chunk by chunk, and reports the rows that break the relation. */
export interface VerifyStep extends Common, Comparison {
  readonly kind: 'verify'
  readonly table: QualifiedName
  readonly reads?: readonly QualifiedName[]
  readonly key: readonly string[]
  readonly byPartition?: true
  /** Each by itself, where several are compared at once. */
  readonly each?: readonly Comparison[]
  /** No constraint keeps it true: it is compared again until this is hidden. */
  readonly until?: Leaver
}

/** Closes the door, looks at the evidence, and opens only when nobody needs what leaves any more. */
export interface GateStep extends Common, Leaver {
  readonly kind: 'gate'
  /** Where writes of it are counted; of a view, all that its probe sees. `counts`: of a column only in rows that are there. */
  readonly counter?: string
  readonly counts?: 'changes'
  /** What depends on it and goes before it in the same migration, by name. */
  readonly along?: readonly string[]
  /** Only its name goes: what PostgreSQL knows to depend on it follows, and texts alone count. */
  readonly follows?: true
}

export type Step =
  | TransactionStep
  | ConcurrentIndexStep
  | OutsideStep
  | IndexPartsStep
  | ValidatePartsStep
  | ForeignKeyPartsStep
  | InspectStep
  | BackfillStep
  | VerifyStep
  | GateStep

/** Steps that work through a table and are done when their checkpoint says so; the planner knows that probe. */
export type TableStep = BackfillStep | VerifyStep

type Draft<S> = S extends TableStep | InspectStep
  ? Omit<S, 'id' | 'undoes' | 'probe'>
  : S extends Step
    ? Omit<S, 'id' | 'undoes'>
    : never

/** A step as an operation states it; the planner gives it its place and its id. */
export type StepDraft = Draft<Step> & { readonly shares?: Shares }

export function changesOf({
  changes,
  changesAlso = [],
}: Pick<Step, 'changes' | 'changesAlso'>): readonly Change[] {
  return changes === undefined ? [] : [changes, ...changesAlso]
}

export function leaversOf({
  retires,
  retiresAlso = [],
}: Pick<Step, 'retires' | 'retiresAlso'>): readonly Leaver[] {
  return retires === undefined ? [] : [retires, ...retiresAlso]
}

export const TRANSACTIONS: ReadonlySet<Step['kind']> = new Set<TransactionStep['kind']>([
  'ddl',
  'install_dual_write',
  'validate',
  'retire',
  'purge',
])

export function isTransaction(step: Step): step is TransactionStep {
  return TRANSACTIONS.has(step.kind)
}
