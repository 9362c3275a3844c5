import { describe, expect, test } from 'vitest'
import { rolloutRules } from '../../../src/config.ts'
import type { RolloutHistory } from '../../../src/core/rollout/begin.ts'
import type { RolloutEvent, RolloutOutcome, RolloutStarted } from '../../../src/core/rollout/event.ts'
import { mayBeEarlier, standsOn } from '../../../src/core/rollout/stands-on.ts'
import { placed, seen } from '../../support/rollout-model.ts'

const one = (version: string) => placed(`web-1-${version}`, version)
const begins = (version: string, ...before: readonly string[]): RolloutStarted => ({
  kind: 'rollout_started',
  number: 1,
  version,
  roles: [{ role: 'web', instances: 1 }],
  rules: rolloutRules(),
  before: before.map((earlier) => ({ ...one(earlier), available: true })),
  heard: 0,
})
const ends = (outcome: RolloutOutcome): RolloutEvent => ({ kind: 'ended', outcome, because: 'of that' })
const of = (...events: readonly RolloutEvent[]): RolloutHistory =>
  events.map((event, at) => ({ run: 1, seq: at, atMs: at, event }))

describe('what stands on the new shape of a migration', () => {
  test.each<readonly [string, readonly RolloutEvent[], string | undefined]>([
    ['nothing, without a rollout', [], undefined],
    ['a rollout that is not over', [begins('2', '1')], 'the rollout of "2" is not over'],
    ['nothing, when it was taken back', [begins('2', '1'), ends('rolled_back')], undefined],
    ['what was rolled out', [begins('2', '1'), ends('done')], '"2" was rolled out'],
    ['what was left half way', [begins('2', '1'), ends('abandoned')], '"2" was rolled out'],
    [
      'nothing, when what ran before was rolled out again',
      [begins('2', '1'), ends('done'), begins('1', '2'), ends('done')],
      undefined,
    ],
    [
      'what a later rollout was taken back to',
      [begins('2', '1'), ends('done'), begins('3', '2'), ends('rolled_back')],
      '"2" was rolled out',
    ],
    ['a first deployment', [begins('1'), ends('done')], '"1" was rolled out'],
  ])('%s', (_what, events, because) => {
    const found = standsOn('0001', of(...events), undefined)
    if (because === undefined) expect(found).toBeUndefined()
    else expect(found?.because).toContain(because)
  })

  test('says what to do', () => {
    const hintOf = (...events: readonly RolloutEvent[]) => standsOn('0001', of(...events), undefined)?.hint
    expect(hintOf(begins('2', '1'))).toBe('Take it back first: bellows deploy abort 0001')
    expect(hintOf(begins('2', '1'), ends('done'))).toBe(
      'Deploy what ran before first: bellows deploy rollout 0001 --to 1',
    )
    expect(hintOf(begins('1'), ends('done'))).toBe('Stop it first.')
  })

  test('is nothing of what is gone, where that can be seen', () => {
    const done = of(begins('2', '1'), ends('done'))
    expect(standsOn('0001', done, [])).toBeUndefined()
    expect(standsOn('0001', done, [seen(one('2'), 'gone'), seen(one('1'))])).toBeUndefined()
    expect(standsOn('0001', done, [seen(one('2'), 'stopping')])).toBeDefined()
    // Whoever has begun it may start another one at any moment.
    expect(standsOn('0001', of(begins('2', '1')), [])).toBeDefined()
  })

  test('is also what came in its place, where that can be seen', () => {
    const done = of(begins('2', '1'), ends('done'))
    const runs = (version: string, history = done) => standsOn('0001', history, [seen(one(version))])
    expect(runs('3')).toMatchObject({
      because: '"3" came in behind what was rolled out for it and may still run',
      hint: 'Deploy what ran before first: bellows deploy rollout 0001 --to 1',
    })
    expect(runs('1')).toBeUndefined()
    expect(runs('3', of(begins('2', '1'), ends('rolled_back'))), 'over what does without').toBeUndefined()
    const other = { ...seen(one('3')), role: 'ledger' }
    expect(standsOn('0001', done, [other]), 'another application').toBeUndefined()
  })
})

describe('whether a version came with a migration', () => {
  test.each<readonly [string, boolean, string, readonly RolloutStarted[]]>([
    ['of the one that replaced another is known', false, '2', [begins('2', '1')]],
    ['of what ran before is known, too: it did not', true, '1', [begins('2', '1'), begins('1', '2')]],
    ['of one that was already there is not known', true, '2', [begins('2', '1', '2')]],
    ['of the first one is not known: it may have run elsewhere', true, '1', [begins('1')]],
    ['of the one behind it is known', false, '2', [begins('1'), begins('2', '1')]],
    [
      'of the first one is not known, however it came back',
      true,
      '1',
      [begins('1'), begins('2', '1'), begins('1', '2')],
    ],
    ['of one that came where the others had ended is not known', true, '3', [begins('2', '1'), begins('3')]],
    ['of one that came back after all had ended is known', false, '2', [begins('2', '1'), begins('2')]],
    ['of one that was tried again is known', false, '2', [begins('2', '1'), begins('2', '1', '2')]],
  ])('%s', (_what, expected, version, starts) => {
    expect(mayBeEarlier(version, starts)).toBe(expected)
  })
})
