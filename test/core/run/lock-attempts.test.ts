import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../../src/config.ts'
import { type LockAttempt, type LockPolicy, lockAttempts } from '../../../src/core/run/lock-attempts.ts'

const policy = (more: Partial<LockPolicy> = {}): LockPolicy => ({
  canaryTimeoutMs: 100,
  heldTimeoutMs: 500,
  pauseMaxMs: 5_000,
  deadlineMs: 60_000,
  ...more,
})
const pairs = (attempts: readonly LockAttempt[]) =>
  attempts.map(({ lockTimeoutMs, pauseMs }) => [lockTimeoutMs, pauseMs])
const sum = (attempts: readonly LockAttempt[]) =>
  attempts.reduce((total, { lockTimeoutMs, pauseMs }) => total + lockTimeoutMs + pauseMs, 0)

const anyPolicy: fc.Arbitrary<LockPolicy> = fc.record({
  canaryTimeoutMs: fc.integer({ min: 1, max: 2_000 }),
  heldTimeoutMs: fc.integer({ min: 50, max: 5_000 }),
  pauseMaxMs: fc.integer({ min: 0, max: 20_000 }),
  deadlineMs: fc.integer({ min: 0, max: 30_000 }),
})

describe('the attempts', () => {
  test.each<[string, Partial<LockPolicy>, readonly (readonly number[])[]]>([
    [
      'begin with a canary, and pause longer each time',
      { deadlineMs: 8_000 },
      [
        [100, 100],
        [500, 200],
        [500, 400],
        [500, 800],
        [500, 1600],
        [500, 2300],
      ],
    ],
    [
      'pause no longer than is allowed',
      { deadlineMs: 4_000, pauseMaxMs: 300 },
      [
        [100, 100],
        [500, 200],
        [500, 300],
        [500, 300],
        [500, 300],
        [500, 200],
      ],
    ],
    [
      'need not pause',
      { deadlineMs: 1_200, pauseMaxMs: 0 },
      [
        [100, 0],
        [500, 0],
        [500, 0],
        [100, 0],
      ],
    ],
    [
      'end with a timeout like the others',
      { deadlineMs: 250 },
      [
        [100, 100],
        [50, 0],
      ],
    ],
    ['are one where there is no time for more', { deadlineMs: 60 }, [[60, 0]]],
    ['are one and a part of its pause', { deadlineMs: 150 }, [[100, 50]]],
    ['are none without time', { deadlineMs: 0 }, []],
    ['are none after the deadline', { deadlineMs: -5 }, []],
    [
      'last a millisecond at least',
      { deadlineMs: 2, canaryTimeoutMs: 0, pauseMaxMs: 0, heldTimeoutMs: 0 },
      [
        [1, 0],
        [1, 0],
      ],
    ],
  ])('%s', (_what, more, expected) => {
    expect(pairs(lockAttempts(policy(more)))).toEqual(expected)
  })

  test('of the defaults are few, and end with the deadline', () => {
    const attempts = lockAttempts(DEFAULT_SETTINGS.lock)
    expect(attempts.length).toBeLessThan(20)
    expect(sum(attempts)).toBe(60_000)
    expect(Math.max(...attempts.map(({ lockTimeoutMs }) => lockTimeoutMs))).toBe(500)
  })

  test('never take longer than the deadline together, and use all of it', () => {
    fc.assert(
      fc.property(anyPolicy, (any) => {
        expect(sum(lockAttempts(any))).toBe(any.deadlineMs)
      }),
    )
  })

  test('have a timeout, every one of them, that is not longer than allowed', () => {
    fc.assert(
      fc.property(anyPolicy, (any) => {
        for (const [at, { lockTimeoutMs, pauseMs }] of lockAttempts(any).entries()) {
          expect(lockTimeoutMs).toBeGreaterThanOrEqual(1)
          expect(lockTimeoutMs).toBeLessThanOrEqual(at === 0 ? any.canaryTimeoutMs : any.heldTimeoutMs)
          expect(pauseMs).toBeGreaterThanOrEqual(0)
          expect(pauseMs).toBeLessThanOrEqual(any.pauseMaxMs)
        }
      }),
    )
  })

  test('pause twice as long each time until they may not, or the time is over', () => {
    fc.assert(
      fc.property(anyPolicy, (any) => {
        const attempts = lockAttempts(any)
        for (const [at, { pauseMs }] of attempts.slice(0, -1).entries()) {
          expect(pauseMs).toBe(Math.min(any.pauseMaxMs, any.canaryTimeoutMs * 2 ** at))
        }
      }),
    )
  })

  test('stop others for no longer than they let them through, once the pauses have grown', () => {
    const grown = lockAttempts(policy()).slice(4, -1)
    expect(grown.length).toBeGreaterThan(3)
    for (const { lockTimeoutMs, pauseMs } of grown) expect(pauseMs).toBeGreaterThan(lockTimeoutMs)
  })
})
