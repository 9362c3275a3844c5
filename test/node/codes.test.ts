import { describe, expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../../src/core/errors.ts'
import { WIRE, wireCode } from '../../src/node/codes.ts'

/** What the one who asked may conclude: it did not happen and never will, or nobody knows. */
const CASES: Readonly<Record<ErrorCode, number>> = {
  backfill_failed: 13,
  brake_held: 13,
  client_unknown: 20,
  cluster_refused: 22,
  cluster_unreachable: 13,
  column_exists: 21,
  column_not_found: 20,
  config_invalid: 12,
  connection_lost: 13,
  connection_pooled: 11,
  constraint_not_found: 20,
  data_folder_in_use: 11,
  data_folder_unusable: 11,
  database_unreachable: 11,
  dependents_found: 22,
  deployer_failed: 13,
  drift_found: 22,
  driver_busy: 11,
  driver_lost: 13,
  embedded_failed: 11,
  embedded_unavailable: 11,
  gate_closed: 22,
  gate_expired: 11,
  instance_refused: 22,
  instance_unknown: 20,
  instances_blocking: 22,
  interrupted: 11,
  journal_newer: 22,
  journal_older: 22,
  lock_not_had: 11,
  migration_invalid: 12,
  name_invalid: 12,
  no_room: 11,
  not_reversible: 22,
  phase_order: 22,
  plan_refused: 22,
  probe_failed: 13,
  request_malformed: 12,
  request_unsupported: 10,
  rollout_failed: 22,
  rollout_paused: 11,
  rows_in_the_way: 22,
  rows_quarantined: 13,
  run_conflict: 22,
  run_not_found: 20,
  statement_failed: 14,
  table_ambiguous: 12,
  table_not_found: 20,
  txn_conflict: 30,
  verification_failed: 22,
}

describe('the code on the wire', () => {
  test.for(ERROR_CODES)('of %s is the one of the protocol', (code) => {
    expect(wireCode(code, undefined)).toBe(CASES[code])
  })

  test('of a statement that failed within a backfill leaves open what was done: earlier batches are', () => {
    expect(wireCode('statement_failed', '0001_rename/backfill/1')).toBe(WIRE.crash)
    expect(wireCode('statement_failed', '0001_rename/expand/1')).toBe(WIRE.abort)
  })
})
