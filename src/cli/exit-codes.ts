import type { ErrorCode } from '../index.ts'

/** Exit codes that scripts can rely on. Source: docs/errors.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  /** With `--exit-code`: something is pending. */
  pending: 2,
  refused: 3,
  differs: 4,
  tryAgain: 5,
  usage: 64,
  interrupted: 130,
} as const

const REFUSED: readonly ErrorCode[] = [
  'plan_refused',
  'dependents_found',
  'not_reversible',
  'run_conflict',
  'phase_order',
]
const DIFFERS: readonly ErrorCode[] = [
  'verification_failed',
  'rows_in_the_way',
  'rows_quarantined',
  'drift_found',
]
const TRY_AGAIN: readonly ErrorCode[] = [
  'brake_held',
  'gate_closed',
  'gate_expired',
  'instances_blocking',
  'lock_not_had',
  'no_room',
  'driver_busy',
  'driver_lost',
  'rollout_paused',
  'txn_conflict',
]
const USAGE: readonly ErrorCode[] = [
  'config_invalid',
  'connection_pooled',
  'migration_invalid',
  'name_invalid',
  'run_not_found',
  'client_unknown',
]

export function exitCodeOf(code: ErrorCode): number {
  if (REFUSED.includes(code)) return EXIT.refused
  if (DIFFERS.includes(code)) return EXIT.differs
  if (TRY_AGAIN.includes(code)) return EXIT.tryAgain
  if (USAGE.includes(code)) return EXIT.usage
  return code === 'interrupted' ? EXIT.interrupted : EXIT.failed
}
