import { expect, test } from 'vitest'
import type { Plan } from '../../../src/core/plan/plan.ts'
import type { Run } from '../../../src/core/run/run.ts'
import { unkeptSteps } from '../../../src/core/run/unkept.ts'

const BIO = { table: { namespace: 'public', name: 'users' }, column: 'bio' }
const steps = [
  { kind: 'verify', id: 'kept', phase: 'verify' },
  { kind: 'verify', id: 'unkept', phase: 'verify', until: BIO },
  { kind: 'retire', id: 'hide', phase: 'retire', retires: BIO },
] as unknown as Plan['steps']

const unkept = (state: Run['state'], done: readonly string[]) =>
  unkeptSteps({ plan: { steps } as Plan, state, done: new Set(done) } as unknown as Run).map(({ id }) => id)

test.each<[string, Run['state'], readonly string[], readonly string[]]>([
  ['before it was compared once', 'verifying', ['kept'], []],
  ['until the old column is hidden', 'rolling_out', ['kept', 'unkept'], ['unkept']],
  ['behind that', 'retiring', ['kept', 'unkept', 'hide'], []],
  ['while the run is taken back', 'rolling_back', ['kept', 'unkept'], []],
])('what no constraint keeps true is told: %s', (_when, state, done, expected) => {
  expect(unkept(state, done)).toEqual(expected)
})
