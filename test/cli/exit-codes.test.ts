import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.ts'
import { ERROR_CODES, type ErrorCode } from '../../src/core/errors.ts'

describe('the exit code', () => {
  test('of each outcome is fixed: scripts rely on it', () => {
    expect(EXIT).toEqual({
      done: 0,
      failed: 1,
      pending: 2,
      refused: 3,
      differs: 4,
      tryAgain: 5,
      usage: 64,
      interrupted: 130,
    })
  })

  const EXPECTED: readonly (readonly [keyof typeof EXIT, readonly ErrorCode[]])[] = [
    ['refused', ['plan_refused', 'dependents_found', 'not_reversible', 'run_conflict', 'phase_order']],
    ['differs', ['verification_failed', 'rows_in_the_way', 'rows_quarantined', 'drift_found']],
    [
      'tryAgain',
      [
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
      ],
    ],
    [
      'usage',
      [
        'client_unknown',
        'config_invalid',
        'connection_pooled',
        'migration_invalid',
        'name_invalid',
        'run_not_found',
      ],
    ],
    ['interrupted', ['interrupted']],
    [
      'failed',
      ['statement_failed', 'connection_lost', 'database_unreachable', 'backfill_failed', 'probe_failed'],
    ],
  ]

  test.each(EXPECTED.flatMap(([outcome, codes]) => codes.map((code) => [code, outcome] as const)))(
    'of %s is that of "%s"',
    (code, outcome) => {
      expect(exitCodeOf(code)).toBe(EXIT[outcome])
    },
  )

  test('is in the documentation as it is here', () => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| (\d+) \| [^|]*\| ([^|]*)\|$/gm)]
    const said = rows.flatMap(([, exit, codes = '']) =>
      [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => `${code} ${exit}`),
    )
    const differing = ERROR_CODES.filter((code) => exitCodeOf(code) !== EXIT.failed)
    expect(said.toSorted()).toEqual(differing.map((code) => `${code} ${exitCodeOf(code)}`).toSorted())
  })

  test('of an error is never that of success, nor that of something pending', () => {
    for (const code of ERROR_CODES) {
      expect([
        EXIT.failed,
        EXIT.refused,
        EXIT.differs,
        EXIT.tryAgain,
        EXIT.usage,
        EXIT.interrupted,
      ]).toContain(exitCodeOf(code))
    }
  })

  test('of whatever is not named is that of a failure', () => {
    const named = EXPECTED.filter(([outcome]) => outcome !== 'failed').flatMap(([, codes]) => codes)
    for (const code of ERROR_CODES.filter((one) => !named.includes(one))) {
      expect([code, exitCodeOf(code)]).toEqual([code, EXIT.failed])
    }
  })
})
