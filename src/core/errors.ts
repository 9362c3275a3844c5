/** Every code that Bellows can fail with. Each has a section in `docs/errors.md`; a test compares the two. */
export const ERROR_CODES = [
  'backfill_failed',
  'brake_held',
  'client_unknown',
  'cluster_refused',
  'cluster_unreachable',
  'column_exists',
  'column_not_found',
  'config_invalid',
  'connection_lost',
  'connection_pooled',
  'constraint_not_found',
  'data_folder_in_use',
  'data_folder_unusable',
  'database_unreachable',
  'dependents_found',
  'deployer_failed',
  'drift_found',
  'driver_busy',
  'driver_lost',
  'embedded_failed',
  'embedded_unavailable',
  'gate_closed',
  'gate_expired',
  'instance_refused',
  'instance_unknown',
  'instances_blocking',
  'interrupted',
  'journal_newer',
  'journal_older',
  'lock_not_had',
  'migration_invalid',
  'name_invalid',
  'no_room',
  'not_reversible',
  'phase_order',
  'plan_refused',
  'probe_failed',
  'request_malformed',
  'request_unsupported',
  'rollout_failed',
  'rollout_paused',
  'rows_in_the_way',
  'rows_quarantined',
  'run_conflict',
  'run_not_found',
  'statement_failed',
  'table_ambiguous',
  'table_not_found',
  'txn_conflict',
  'verification_failed',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorDetails {
  /** What to do next, with the exact command when there is one. */
  readonly hint?: string
  readonly cause?: unknown
  /** The step that was being executed, such as `0001_rename_name/expand/1`. */
  readonly step?: string
  /** PostgreSQL's five letters for what went wrong there. */
  readonly sqlstate?: string
  /** Figures and names that a machine may want, such as `{ diverged_rows: 3 }`. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** The only error class of Bellows: what happened (`message`), what to do now (`hint`), and a code for machines. */
export class BellowsError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly step: string | undefined
  readonly sqlstate: string | undefined
  readonly facts: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'BellowsError'
    this.code = code
    this.hint = details.hint
    this.step = details.step
    this.sqlstate = details.sqlstate
    this.facts = details.facts ?? {}
  }
}

/** For what only a bug in Bellows can cause: never for bad input or a failing database. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Bellows broke its own rule: ${message}`)
}

/** The server, or the way to it, has gone, as far as can be told from here. */
export function isServerLost(error: unknown): error is BellowsError {
  return (
    error instanceof BellowsError &&
    (error.code === 'connection_lost' || error.code === 'database_unreachable')
  )
}

/** SQLSTATE of a statement that names a table which is not there. */
export const UNDEFINED_TABLE = '42P01'

/** What was thrown, as text for people: it need not be an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
