import { BellowsError, type ErrorCode } from '../index.ts'

/** Codes of Maelstrom's error messages. Source: `protocol.md`, section 3. */
export const WIRE = {
  timeout: 0,
  notSupported: 10,
  temporarilyUnavailable: 11,
  malformedRequest: 12,
  crash: 13,
  abort: 14,
  keyDoesNotExist: 20,
  keyAlreadyExists: 21,
  preconditionFailed: 22,
  txnConflict: 30,
} as const

/**
 * A definite code (all but 0 and 13) says: this did not happen and never will. It is given only where the engine is sure;
 * whatever may have been done, or was done in part, is a 13.
 */
const CODE_OF: Readonly<Record<ErrorCode, number>> = {
  backfill_failed: WIRE.crash,
  brake_held: WIRE.crash,
  client_unknown: WIRE.keyDoesNotExist,
  cluster_refused: WIRE.preconditionFailed,
  cluster_unreachable: WIRE.crash,
  column_exists: WIRE.keyAlreadyExists,
  column_not_found: WIRE.keyDoesNotExist,
  config_invalid: WIRE.malformedRequest,
  connection_lost: WIRE.crash,
  connection_pooled: WIRE.temporarilyUnavailable,
  constraint_not_found: WIRE.keyDoesNotExist,
  data_folder_in_use: WIRE.temporarilyUnavailable,
  data_folder_unusable: WIRE.temporarilyUnavailable,
  database_unreachable: WIRE.temporarilyUnavailable,
  dependents_found: WIRE.preconditionFailed,
  deployer_failed: WIRE.crash,
  drift_found: WIRE.preconditionFailed,
  driver_busy: WIRE.temporarilyUnavailable,
  driver_lost: WIRE.crash,
  embedded_failed: WIRE.temporarilyUnavailable,
  embedded_unavailable: WIRE.temporarilyUnavailable,
  gate_closed: WIRE.preconditionFailed,
  gate_expired: WIRE.temporarilyUnavailable,
  instance_refused: WIRE.preconditionFailed,
  instance_unknown: WIRE.keyDoesNotExist,
  instances_blocking: WIRE.preconditionFailed,
  interrupted: WIRE.temporarilyUnavailable,
  journal_newer: WIRE.preconditionFailed,
  journal_older: WIRE.preconditionFailed,
  lock_not_had: WIRE.temporarilyUnavailable,
  migration_invalid: WIRE.malformedRequest,
  name_invalid: WIRE.malformedRequest,
  no_room: WIRE.temporarilyUnavailable,
  not_reversible: WIRE.preconditionFailed,
  phase_order: WIRE.preconditionFailed,
  plan_refused: WIRE.preconditionFailed,
  probe_failed: WIRE.crash,
  request_malformed: WIRE.malformedRequest,
  request_unsupported: WIRE.notSupported,
  rollout_failed: WIRE.preconditionFailed,
  rollout_paused: WIRE.temporarilyUnavailable,
  rows_in_the_way: WIRE.preconditionFailed,
  rows_quarantined: WIRE.crash,
  run_conflict: WIRE.preconditionFailed,
  run_not_found: WIRE.keyDoesNotExist,
  statement_failed: WIRE.abort,
  table_ambiguous: WIRE.malformedRequest,
  table_not_found: WIRE.keyDoesNotExist,
  txn_conflict: WIRE.txnConflict,
  verification_failed: WIRE.preconditionFailed,
}

/** @param step where it happened: a batch that failed follows others that are done, and rows that cannot be filled can be corrected, so the outcome is not for ever */
export function wireCode(code: ErrorCode, step: string | undefined): number {
  const isOfRows = code === 'statement_failed' || code === 'rows_in_the_way'
  if (isOfRows && step?.includes('/backfill/') === true) return WIRE.crash
  return CODE_OF[code]
}

/** After these nobody knows how the database stands; after all others it can be looked at. */
const LOST: readonly string[] = ['connection_lost', 'database_unreachable', 'driver_lost']

export function isRefusal(error: unknown): error is BellowsError {
  return error instanceof BellowsError && !LOST.includes(error.code)
}

/**
 * The same error where a part of what was asked for is done already. Its code on the wire must not be a definite one, which
 * would say that nothing has happened.
 */
export function partlyDone(error: BellowsError, facts: Readonly<Record<string, unknown>> = {}): BellowsError {
  if (isPartlyDone(error) || CODE_OF[error.code] === WIRE.crash) return error
  return new BellowsError(error.code, `${error.message} What was done before that stays done.`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.step === undefined ? {} : { step: error.step }),
    facts: { ...error.facts, ...facts, partly_done: true },
  })
}

export function isPartlyDone(error: BellowsError): boolean {
  return error.facts.partly_done === true
}
