import { describe, expect, test } from 'vitest'
import type { RolloutEvent } from '../../../src/core/rollout/event.ts'
import type { Placement } from '../../../src/core/rollout/fleet.ts'
import {
  along,
  asked,
  BACK,
  BOTH_OLD,
  batch,
  because,
  type Case,
  decided,
  FIRST,
  failed,
  fresh,
  type Given,
  HALF,
  old,
  PAUSED,
  placing,
  replaced,
  rolloutOf,
  SETTLED,
  SICK,
  seen,
  short,
  told,
} from '../../support/rollout-model.ts'

const LAST = [...FIRST, batch('web-2'), ...replaced('web-2'), SETTLED]
const ALL = [seen(fresh('web-1')), seen(fresh('web-2'))]
const canaryPaused: RolloutEvent = { kind: 'paused', because: 'look at it', held: true }

describe('the pause behind a batch', () => {
  test.each<
    readonly [string, NonNullable<Given['rules']>, readonly RolloutEvent[], number, readonly string[]]
  >([
    ['is waited for', { pauseBetweenMs: 5_000 }, FIRST, 4_999, []],
    ['is over in time', { pauseBetweenMs: 5_000 }, FIRST, 5_000, ['batch web-2']],
    [
      'is that of the canary behind the canary',
      { canary: { instances: 1, pauseMs: 9_000 }, pauseBetweenMs: 1_000 },
      FIRST,
      8_999,
      [],
    ],
    [
      'is that of the canary, and then over',
      { canary: { instances: 1, pauseMs: 9_000 } },
      FIRST,
      9_000,
      ['batch web-2'],
    ],
    [
      'is not that of the canary without a canary',
      { canary: { instances: 0, pauseMs: 9_000 } },
      FIRST,
      0,
      ['batch web-2'],
    ],
    [
      'is a human behind a manual canary',
      { canary: { instances: 1, pauseMs: 'manual' } },
      FIRST,
      0,
      ['paused'],
    ],
    [
      'is over when the human says so',
      { canary: { instances: 1, pauseMs: 'manual' } },
      [...FIRST, canaryPaused, asked('resume')],
      0,
      ['batch web-2'],
    ],
    [
      'is over early when somebody says so',
      { pauseBetweenMs: 5_000 },
      [...FIRST, asked('resume')],
      0,
      ['batch web-2'],
    ],
    ['behind the last batch is the bake', { bakeMs: 7_000, pauseBetweenMs: 1_000 }, LAST, 6_999, []],
    ['behind the last batch ends in the end', { bakeMs: 7_000 }, LAST, 7_000, ['ended done']],
  ])('%s', (_what, rules, events, afterMs, decision) => {
    const fleet = events.length > FIRST.length + 3 ? ALL : HALF
    expect(short(decided(rolloutOf({ rules }, ...events), fleet, { afterMs }))).toEqual(decision)
  })

  test('of a canary that is all there is, is no manual one: nothing would come behind it', () => {
    const given: Given = {
      rules: { canary: { instances: 1, pauseMs: 'manual' } },
      roles: [{ role: 'web', instances: 1 }],
      before: ['web-1'],
    }
    expect(short(decided(rolloutOf(given, ...FIRST), [seen(fresh('web-1'))]))).toEqual(['ended done'])
  })

  test('does not keep a failure from being seen', () => {
    const rollout = rolloutOf({ rules: { pauseBetweenMs: 60_000 } }, ...FIRST)
    const sick = seen(fresh('web-1'), 'serving', { health: SICK })
    expect(short(decided(rollout, [sick, seen(old('web-2'))]))).toEqual(['failed web-1-r7-1'])
  })
})

describe('checks', () => {
  const rules = {
    checks: [
      { name: 'errors', sql: 'select true' },
      { name: 'page', http: 'http://x' },
    ],
  }
  const answer = (name: string, outcome: 'pass' | 'fail' | 'unknown'): RolloutEvent => ({
    kind: 'checked',
    name,
    outcome,
    because: 'so it is',
  })
  const told = (answers: readonly RolloutEvent[], more: NonNullable<Given['rules']> = {}, afterMs = 0) =>
    decided(rolloutOf({ rules: { ...rules, ...more } }, ...FIRST, ...answers), HALF, { afterMs })

  test.each<readonly [string, readonly RolloutEvent[], readonly string[]]>([
    ['are asked behind a batch', [], ['ask errors']],
    ['one after the other', [answer('errors', 'pass')], ['ask page']],
    ['that all pass let it go on', [answer('errors', 'pass'), answer('page', 'pass')], ['batch web-2']],
    ['of which one fails take it back', [answer('errors', 'fail')], ['turned_back']],
    ['that could not tell are asked again later', [answer('errors', 'unknown')], []],
    [
      'that could tell in the end let it go on',
      [answer('errors', 'unknown'), answer('errors', 'pass')],
      ['ask page'],
    ],
  ])('%s', (_what, answers, decision) => {
    expect(short(told(answers))).toEqual(decision)
  })

  test('that could not tell are asked again after their pause', () => {
    expect(short(told([answer('errors', 'unknown')], {}, 10_000))).toEqual(['ask errors'])
  })

  test('that could not tell too often pause for a human, and never fail the release', () => {
    const four = Array.from({ length: 4 }, () => answer('errors', 'unknown'))
    expect(short(told(four.slice(1), {}, 10_000))).toEqual(['ask errors'])
    const decision = told(four, {}, 10_000)
    expect([short(decision), because(decision)]).toEqual([
      ['paused'],
      'the check "errors" could not tell: so it is (4 times in a row)',
    ])
    expect(short(told([...four, { kind: 'paused', because: 'x' }, asked('resume')]))).toEqual(['ask errors'])
  })

  test('that failed say so in the reason', () => {
    expect(because(told([answer('errors', 'fail')]))).toBe('the check "errors" failed: so it is')
    expect(short(told([answer('errors', 'fail')], { onFailure: 'pause' }))).toEqual(['paused'])
    expect(short(told([answer('errors', 'fail')], { onFailure: 'continue' }))).toEqual(['ask page'])
  })

  test('are asked when the pause is over, as what happens in it is what they judge', () => {
    expect(short(told([], { pauseBetweenMs: 5_000 }, 4_000))).toEqual([])
    expect(short(told([], { pauseBetweenMs: 5_000 }, 5_000))).toEqual(['ask errors'])
  })

  test('are asked anew behind each batch, and at the end', () => {
    const both = [answer('errors', 'pass'), answer('page', 'pass')]
    const rollout = rolloutOf({ rules }, ...FIRST, ...both, batch('web-2'), ...replaced('web-2'), SETTLED)
    expect(short(decided(rollout, ALL))).toEqual(['ask errors'])
    expect(short(decided(rolloutOf({ rules }, ...LAST, ...both), ALL))).toEqual(['ended done'])
  })

  test('are not asked on the way back', () => {
    const begun = [batch('web-1'), placing(fresh('web-1'))]
    const rollout = rolloutOf({ rules }, ...begun, BACK, batch('web-1'), gone(fresh('web-1')), SETTLED)
    expect(short(decided(rollout, BOTH_OLD))).toEqual(['ended rolled_back'])
  })
})

const gone = (placement: Placement): RolloutEvent => told('gone', placement)

describe('what is asked for', () => {
  const request = (what: 'pause' | 'resume' | 'abort', seq = 1) => ({ seq, request: what, by: 'ada' })
  const coming = [batch('web-1'), placing(fresh('web-1'))]

  test('is written down before it counts, in its order', () => {
    const decision = decided(rolloutOf({}), BOTH_OLD, { requests: [request('pause'), request('abort', 2)] })
    expect(decision.events).toEqual([asked('pause', 1), asked('abort', 2)])
  })

  test.each<Case>([
    ['pause: no batch begins any more', [...FIRST, asked('pause')], HALF, ['paused']],
    ['pause: none begins at all', [asked('pause')], BOTH_OLD, ['paused']],
    ['pause: what is under way is finished', [...coming, asked('pause')], BOTH_OLD, ['start web-1-r7-1!']],
    [
      'pause: also the settling is written down',
      [...FIRST.slice(0, -1), asked('pause')],
      HALF,
      ['batch_settled'],
    ],
    ['pause, then resume', [...FIRST, asked('pause'), asked('resume', 2)], HALF, ['batch web-2']],
    [
      'pause, then a failure: it is taken back all the same',
      [
        ...coming,
        asked('pause'),
        failed(fresh('web-1')),
        gone(fresh('web-1')),
        placing(fresh('web-1', 2)),
        failed(fresh('web-1', 2)),
        gone(fresh('web-1', 2)),
      ],
      BOTH_OLD,
      ['turned_back'],
    ],
    ['resume of what runs changes nothing', [...coming, asked('resume')], BOTH_OLD, ['start web-1-r7-1!']],
    ['abort', [...FIRST, asked('abort')], HALF, ['turned_back']],
    ['abort of what is paused', [...FIRST, PAUSED, asked('abort')], HALF, ['turned_back']],
    ['pause again', [...FIRST, asked('pause'), asked('pause', 2)], HALF, ['paused']],
    [
      'pause, and nothing is under way any more',
      [...FIRST, asked('pause'), canaryPaused],
      HALF,
      ['verdict paused'],
    ],
  ])('%s', along({}))

  test('says by whom', () => {
    expect(because(decided(rolloutOf({}, ...FIRST, asked('abort')), HALF))).toBe('aborted by ada')
    expect(because(decided(rolloutOf({}, ...FIRST, asked('pause')), HALF))).toBe('paused by ada')
  })
})

describe('a pause because of a failure', () => {
  test('touches nothing until somebody decides', () => {
    const rollout = rolloutOf({}, batch('web-1'), placing(fresh('web-1')), failed(fresh('web-1')), PAUSED)
    const fleet = [seen(old('web-1')), seen(old('web-2')), seen(fresh('web-1'), 'starting', { health: SICK })]
    const decision = decided(rollout, fleet)
    expect([short(decision), because(decision)]).toEqual([['verdict paused'], 'it failed'])
  })

  test('is over when somebody resumes, with another attempt', () => {
    const rollout = rolloutOf(
      { rules: { retries: 0, onFailure: 'pause' } },
      batch('web-1'),
      placing(fresh('web-1')),
      failed(fresh('web-1')),
      gone(fresh('web-1')),
      PAUSED,
      asked('resume'),
    )
    expect(short(decided(rollout, BOTH_OLD))).toEqual(['placed web-1-r7-2 2'])
  })

  test('is over with as many attempts as at first', () => {
    const [first, second, third] = [fresh('web-1'), fresh('web-1', 2), fresh('web-1', 3)]
    const lost = [first, second].flatMap((one) => [placing(one), failed(one), gone(one)])
    const again = [PAUSED, asked('resume'), placing(third), failed(third), gone(third)]
    const rollout = rolloutOf({ rules: { onFailure: 'pause' } }, batch('web-1'), ...lost, ...again)
    expect(short(decided(rollout, BOTH_OLD))).toEqual(['placed web-1-r7-4 2'])
  })
})
