import { describe, expect, test } from 'vitest'
import { type Baseline, recount, refuseBaseline } from '../../../src/core/history/baseline.ts'
import { standing } from './runs.ts'

const baseline = (...names: string[]): Baseline => ({
  at: '2026-01-01T00:00:00Z',
  role: 'me',
  files: Object.fromEntries(names.map((name) => [name, 'sum'])),
  lastRun: 0,
})

describe('a baseline', () => {
  test.each(['planned', 'expanding', 'rolling_out', 'retiring', 'purging', 'rolling_back'] as const)(
    'is refused while a run is %s, whatever is to count',
    (state) => {
      expect(() => refuseBaseline([], [standing('0001_a', state)])).toThrow(
        expect.objectContaining({
          code: 'run_conflict',
          message: `The migration "0001_a" is under way (${state}).`,
        }),
      )
    },
  )

  test('is refused over a migration that was taken back, and not over one that ran again since', () => {
    const back = standing('0001_a', 'rolled_back')
    expect(() => refuseBaseline(['0001_a'], [back])).toThrow(
      expect.objectContaining({
        code: 'run_conflict',
        hint: expect.stringContaining('bellows expand 0001_a'),
      }),
    )
    expect(() => refuseBaseline(['0001_a'], [back, standing('0001_a', 'completed', 2)])).not.toThrow()
    expect(() => refuseBaseline(['0002_b'], [back])).not.toThrow()
  })

  test('says what counts from now on, and what is pending again', () => {
    const ran = [standing('0001_a', 'completed')]
    expect(recount(['0001_a', '0002_b'], undefined, ran)).toEqual({ applied: ['0002_b'], pending: [] })
    expect(recount(['0001_a'], baseline('0001_a', '0002_b'), ran)).toEqual({
      applied: [],
      pending: ['0002_b'],
    })
    expect(recount(['0001_a', '0002_b'], baseline('0001_a', '0002_b'), [])).toEqual({
      applied: [],
      pending: [],
    })
    expect(recount([], baseline('0001_a'), [])).toEqual({ applied: [], pending: ['0001_a'] })
  })
})
