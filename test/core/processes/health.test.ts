import { describe, expect, test } from 'vitest'
import {
  type Checked,
  type CheckResult,
  counted,
  fitForWork,
  healthAt,
  isWell,
  UNCHECKED,
} from '../../../src/core/processes/health.ts'

const PASSED: CheckResult = { outcome: 'passed' }
const FAILED: CheckResult = { outcome: 'failed', because: 'answered 503' }
const UNMEASURED: CheckResult = { outcome: 'unmeasured' }

/** One result a second, the first at second 1. */
const counting = (...results: readonly CheckResult[]): Checked =>
  results.reduce((checked, result, at) => counted(checked, result, (at + 1) * 1_000), UNCHECKED)

describe('results of health checks', () => {
  test.for([
    ['nothing yet', [], { passes: 0, failures: 0, healthyForMs: 0 }],
    ['passes', [PASSED, PASSED, PASSED], { passes: 3, failures: 0, healthyForMs: 9_000 }],
    ['failures', [FAILED, FAILED], { passes: 0, failures: 2, healthyForMs: 0, lastError: 'answered 503' }],
    [
      'a failure that ends a row of passes',
      [PASSED, PASSED, FAILED],
      { passes: 0, failures: 1, healthyForMs: 0, lastError: 'answered 503' },
    ],
    [
      'a pass that ends a row of failures, whose reason stays known',
      [FAILED, FAILED, PASSED],
      { passes: 1, failures: 0, healthyForMs: 7_000, lastError: 'answered 503' },
    ],
  ] as const)('are counted in a row: %s', ([, results, health]) => {
    expect(healthAt(counting(...results), 10_000)).toEqual(health)
  })

  test('count neither way when they could not be had', () => {
    expect(counting(PASSED, UNMEASURED, PASSED)).toEqual({ ...counting(PASSED), passes: 2 })
    expect(counting(FAILED, UNMEASURED, FAILED)).toMatchObject({ failures: 2 })
    expect(counting(UNMEASURED)).toEqual(UNCHECKED)
  })
})

describe('an instance', () => {
  const isWellAfter = (start: boolean, ...results: readonly CheckResult[]): boolean =>
    results.reduce<{ well: boolean; checked: Checked }>(
      ({ well, checked }, result) => {
        const next = counted(checked, result, 0)
        return { well: isWell(well, next, { success: 2, failure: 3 }), checked: next }
      },
      { well: start, checked: UNCHECKED },
    ).well

  test.for([
    [true, [], true],
    [true, [FAILED, FAILED], true],
    [true, [FAILED, FAILED, FAILED], false],
    [true, [FAILED, FAILED, PASSED, FAILED, FAILED], true],
    [true, [FAILED, FAILED, UNMEASURED, UNMEASURED], true],
    [true, [FAILED, FAILED, FAILED, PASSED], false],
    [true, [FAILED, FAILED, FAILED, PASSED, FAILED, PASSED], false],
    [true, [FAILED, FAILED, FAILED, PASSED, PASSED], true],
    [false, [PASSED], false],
    [false, [PASSED, PASSED], true],
  ] as const)('that was well: %s, and then has %j, is well: %s', ([start, results, expected]) => {
    expect(isWellAfter(start, ...results)).toBe(expected)
  })

  test('is judged as the rollout judges it', () => {
    const failures = (count: number): Checked => counting(...Array.from({ length: count }, () => FAILED))
    const patient = { success: 1, failure: 10 }
    expect([9, 10].map((count) => isWell(true, failures(count), patient))).toEqual([true, false])
    expect(isWell(false, counting(PASSED), patient)).toBe(true)
  })

  const one = (id: string, isWell: boolean) => ({ id, isWell })
  test.for([
    ['the ones that are well', [one('a', true), one('b', false), one('c', true)], ['a', 'c']],
    ['the only one that is well', [one('a', false), one('b', true)], ['b']],
    ['all, when none is well', [one('a', false), one('b', false)], ['a', 'b']],
    ['nobody, when there is none', [], []],
  ] as const)('gets work: %s', ([, serving, ids]) => {
    expect(fitForWork(serving).map(({ id }) => id)).toEqual(ids)
  })
})
