import { describe, expect, test } from 'vitest'
import { DEFAULT_ROLLOUT, type RolloutChange, rolloutRules } from '../../../src/config.ts'
import { countOf, neededOf, rulesProblems, type Share } from '../../../src/core/rollout/rules.ts'

describe('a share of the instances of a role', () => {
  test.each<[Share, number, number]>([
    [1, 6, 1],
    [3, 6, 3],
    ['25%', 4, 1],
    ['25%', 5, 2],
    ['25%', 1, 1],
    ['100%', 7, 7],
    ['1%', 1_000, 10],
    ['12.5%', 8, 1],
    ['0%', 8, 1],
    [0, 8, 1],
  ])('%s of %i is rounded up, and at least one: %i', (share, of, count) => {
    expect(countOf(share, of)).toBe(count)
  })
})

describe('how many must serve', () => {
  test.each([
    [100, 4, 4],
    [75, 4, 3],
    [75, 5, 4],
    [75, 3, 3],
    [50, 1, 1],
    [0, 5, 0],
    [100, 0, 0],
    [99, 100, 99],
  ])(
    '%i %% of %i: what may be missing is rounded down, so that %i must',
    (minAvailablePercent, of, needed) => {
      expect(neededOf(rolloutRules({ minAvailablePercent }), of)).toBe(needed)
    },
  )
})

describe('rules that cannot work out', () => {
  const web = [{ role: 'web', instances: 2 }]
  test.each<[string, RolloutChange, RegExp]>([
    [
      'the progress deadline would end a start',
      { progressDeadlineMs: 310_000 },
      /^progressDeadlineMs \(310000\) must be longer than startupDeadlineMs and minHealthyMs together/,
    ],
    [
      'the progress deadline would end requests',
      { progressDeadlineMs: 600_000, drainTimeoutMs: 600_000 },
      /^progressDeadlineMs \(600000\) must be longer than drainTimeoutMs \(600000\)/,
    ],
    [
      'none may be missing, and one has to',
      { order: 'stop-first' },
      /one of the 2 "web" must be allowed to be missing: 100 % available/,
    ],
    ['less than one may be missing', { order: 'stop-first', minAvailablePercent: 75 }, /one of the 2 "web"/],
    [
      'a check is no query',
      { checks: [{ name: 'errors', sql: 'selec 1' }] },
      /the query of the check "errors" cannot be read: syntax error/,
    ],
    [
      'a check is two queries',
      { checks: [{ name: 'errors', sql: 'select 1; select 2' }] },
      /the query of the check "errors"/,
    ],
  ])('are told of: %s', (_what, change, problem) => {
    expect(rulesProblems(rolloutRules(change), web)).toEqual([expect.stringMatching(problem)])
  })

  test.each<[string, RolloutChange]>([
    ['the defaults', {}],
    ['a stop timeout beyond the progress deadline, which is waited for', { stopTimeoutMs: 1_800_000 }],
    ['stop-first where one may be missing', { order: 'stop-first', minAvailablePercent: 50 }],
    [
      'checks of every kind',
      {
        checks: [
          { name: 'a', sql: 'select true' },
          { name: 'b', http: 'x' },
          { name: 'c', command: 'x' },
        ],
      },
    ],
  ])('are not %s', (_what, change) => {
    expect(rulesProblems(rolloutRules(change), web)).toEqual([])
  })

  test('are not those of a role that shall have no instance', () => {
    expect(rulesProblems(rolloutRules({ order: 'stop-first' }), [{ role: 'web', instances: 0 }])).toEqual([])
  })
})

describe('rules of which not all are given', () => {
  test('are completed by the defaults, group by group', () => {
    expect(rolloutRules({ batch: '25%', canary: { pauseMs: 'manual' }, health: { failure: 5 } })).toEqual({
      ...DEFAULT_ROLLOUT,
      batch: '25%',
      canary: { instances: 1, pauseMs: 'manual' },
      health: { success: 2, failure: 5 },
    })
    expect(rolloutRules()).toEqual(DEFAULT_ROLLOUT)
  })

  test('are those of the table that people know', () => {
    expect(DEFAULT_ROLLOUT).toMatchObject({
      batch: 1,
      order: 'start-first',
      minAvailablePercent: 100,
      canary: { instances: 1, pauseMs: 0 },
      startupDeadlineMs: 300_000,
      health: { success: 2, failure: 3 },
      minHealthyMs: 10_000,
      progressDeadlineMs: 600_000,
      retries: 1,
      maxFailures: 0,
      onFailure: 'rollback',
      drainTimeoutMs: 30_000,
      stopTimeoutMs: 30_000,
      bakeMs: 0,
    })
  })
})
