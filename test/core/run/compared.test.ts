import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Compared,
  type Found,
  NOTHING_FOUND,
  SAMPLES_MAX,
  withFound,
} from '../../../src/core/run/compared.ts'
import { START } from '../../../src/core/run/ranges.ts'

const chunk = (number: number): Found => ({
  range: { from: { block: number, line: 1 }, to: { block: number + 1, line: 1 } },
  verdict: { rows: 10, unfilled: number % 2, diverged: 1, lossy: number % 3, samples: [`id=${number}`] },
})
const NOTHING: Compared = { at: START, verdict: NOTHING_FOUND, ahead: [] }

describe('what is compared side by side', () => {
  test('is on record up to the first chunk that is not done', () => {
    const behind = [2, 1, 4].map(chunk).reduce(withFound, NOTHING)
    expect(behind).toMatchObject({ at: START, verdict: NOTHING_FOUND })
    const found = withFound(behind, chunk(0))
    expect(found.at).toEqual({ block: 3, line: 1 })
    expect(found.verdict).toMatchObject({ rows: 30, samples: ['id=0', 'id=1', 'id=2'] })
    expect(found.ahead).toEqual([chunk(4)])
  })

  test('comes to the same in whatever order the chunks end', () => {
    const inTurn = Array.from({ length: 12 }, (_, number) => chunk(number))
    const whole = inTurn.reduce(withFound, NOTHING)
    expect(whole.verdict.samples).toHaveLength(SAMPLES_MAX)
    fc.assert(
      fc.property(fc.shuffledSubarray(inTurn, { minLength: inTurn.length }), (chunks) => {
        expect(chunks.reduce(withFound, NOTHING)).toEqual(whole)
      }),
    )
  })
})
