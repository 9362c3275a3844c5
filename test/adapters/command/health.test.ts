import { describe, expect, test } from 'vitest'
import { countHealth } from '../../../src/adapters/command/health.ts'

const ONE = { id: 'web-1', role: 'web', slot: 1, version: '2' } as const

/** What is seen of one instance, look by look: when, in which state, how. */
function looked(...looks: readonly (readonly [number, 'starting' | 'serving', boolean | null])[]) {
  let now = 0
  const health = countHealth(1_000, () => now)
  return looks.map(([at, state, healthy]) => {
    now = at
    const seen = health.seen({
      ...ONE,
      state,
      healthy,
      ...(healthy === false ? { error: `HTTP ${at}` } : {}),
    })
    return [seen.health.passes, seen.health.failures, seen.health.healthyForMs, seen.inStateMs]
  })
}

describe('results in a row', () => {
  test('are counted from one look to the next, with the time since the first', () => {
    expect(
      looked(
        [0, 'starting', false],
        [1_000, 'starting', true],
        [2_000, 'starting', true],
        [4_000, 'serving', true],
      ),
    ).toEqual([
      [0, 1, 0, 0],
      [1, 0, 0, 1_000],
      [2, 0, 1_000, 2_000],
      [3, 0, 3_000, 0],
    ])
  })

  test('that follow each other more quickly than the interval count once', () => {
    expect(
      looked([0, 'serving', true], [10, 'serving', true], [999, 'serving', false], [1_000, 'serving', false]),
    ).toEqual([
      [1, 0, 0, 0],
      [1, 0, 10, 10],
      [1, 0, 999, 999],
      [0, 1, 0, 1_000],
    ])
  })

  test('that could not be had count neither way', () => {
    expect(looked([0, 'serving', true], [1_000, 'serving', null], [2_000, 'serving', true])).toEqual([
      [1, 0, 0, 0],
      [1, 0, 1_000, 1_000],
      [2, 0, 2_000, 2_000],
    ])
  })

  test('keep what the last failure said', () => {
    let now = 0
    const health = countHealth(1_000, () => now)
    const see = (healthy: boolean, error?: string) => {
      now += 1_000
      return health.seen({ ...ONE, state: 'serving', healthy, error }).health.lastError
    }
    expect([see(true), see(false, 'HTTP 500'), see(false), see(true)]).toEqual([
      undefined,
      'HTTP 500',
      'HTTP 500',
      'HTTP 500',
    ])
  })

  test('begin anew for one that was away', () => {
    const health = countHealth(0, () => 0)
    health.seen({ ...ONE, state: 'serving', healthy: true })
    health.forgetOthers(new Set(['web-2']))
    expect(health.seen({ ...ONE, state: 'serving', healthy: true }).health.passes).toBe(1)
  })
})
