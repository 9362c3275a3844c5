import { describe, expect, test } from 'vitest'
import { diagnose, type ServerFacts } from '../../../src/core/run/diagnosis.ts'

const CALM: ServerFacts = {
  serverVersion: 180_004,
  isReplica: false,
  hasRoleOfOurName: false,
  isInstalled: true,
  mayCreateNamespace: true,
  connectionsLeft: 50,
  longTransactions: [],
  preparedTransactions: 0,
  wraparoundVacuums: [],
  deadlockTimeoutMs: 1_000,
  batchMs: 900,
}

describe('what is looked at before a migration', () => {
  test('is fine on a calm server', () => {
    expect(diagnose(CALM).filter(({ verdict }) => verdict !== 'ok')).toEqual([])
  })

  test.for([900, 100])(
    'warns where an application could lose a deadlock: looked for after %i ms',
    (deadlockTimeoutMs) => {
      expect(diagnose({ ...CALM, deadlockTimeoutMs }).filter(({ verdict }) => verdict !== 'ok')).toEqual([
        expect.objectContaining({
          check: 'deadlocks',
          verdict: 'warning',
          hint: expect.stringContaining('batch.lockTimeoutMs'),
        }),
      ])
    },
  )

  test('fails where it looks too soon for any batch to end before', () => {
    expect(diagnose({ ...CALM, deadlockTimeoutMs: 50 }).filter(({ verdict }) => verdict !== 'ok')).toEqual([
      expect.objectContaining({ check: 'deadlocks', verdict: 'failed' }),
    ])
  })
})
