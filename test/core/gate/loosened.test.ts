import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import { loosenedBy } from '../../../src/core/gate/loosened.ts'

const of = (more: Partial<typeof DEFAULT_SETTINGS.gate>) =>
  loosenedBy({ ...DEFAULT_SETTINGS.gate, ...more }, 'so')

test('the usual settings loosen nothing, nor do stricter ones', () => {
  expect(of({})).toEqual([])
  expect(of({ quietMs: 90_000_000, silentGraceMs: 700_000 })).toEqual([])
})

test.for([
  [{ quietMs: 0 }, 'usage', 'gate.quietMs 0 s instead of 60 s'],
  [{ quietAloneMs: 600_000 }, 'usage', 'gate.quietAloneMs 10 min instead of 60 min'],
  [{ silentGraceMs: 1_000 }, 'leases', 'gate.silentGraceMs 1 s instead of 10 min'],
] as const)('%o is told with the check that it loosens', ([more, check, setting]) => {
  expect(of(more)).toEqual([{ check, setting, reason: 'so' }])
})

test('strangers that are only named loosen the checks that they stand against', () => {
  expect(of({ unregistered: 'allow' })).toMatchObject([
    { check: 'sessions' },
    { check: 'transactions' },
    { check: 'clients' },
  ])
  expect(loosenedBy({ ...DEFAULT_SETTINGS.gate, quietMs: 0 })).toMatchObject([
    { reason: 'no reason was given' },
  ])
})
