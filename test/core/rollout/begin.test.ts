import { describe, expect, test } from 'vitest'
import { rolloutRules } from '../../../src/config.ts'
import {
  beginning,
  failedIn,
  forgettable,
  openIn,
  type RolloutHistory,
  servingIn,
} from '../../../src/core/rollout/begin.ts'
import type { RolloutEvent } from '../../../src/core/rollout/event.ts'
import { tooOld } from '../../../src/core/rollout/too-old.ts'
import { old, placed, SICK, seen, started } from '../../support/rollout-model.ts'

const RULES = rolloutRules()
const WISH = { version: '2', roles: [{ role: 'web', instances: 2 }], rules: RULES }

const history = (...events: readonly (readonly [run: number, event: RolloutEvent])[]): RolloutHistory =>
  events.map(([run, event], at) => ({ run, seq: at + 1, atMs: at, event }))
const began = (version: string, ...before: readonly string[]): RolloutEvent => ({
  ...started(),
  number: 4,
  version,
  before: before.map((one, at) => ({ ...placed(`web-${at + 1}-x`, one), available: true })),
})
const DONE: RolloutEvent = { kind: 'ended', outcome: 'done', because: '' }
const TAKEN_BACK: RolloutEvent = { kind: 'ended', outcome: 'rolled_back', because: '' }

describe('the beginning', () => {
  test('says what shall be, what is, and which requests are of an earlier time', () => {
    expect(beginning(WISH, [seen(old('web-1'))], [], 5)).toEqual({
      kind: 'rollout_started',
      number: 1,
      ...WISH,
      before: [{ ...old('web-1'), available: true }],
      heard: 5,
    })
  })

  test.each<[string, RolloutHistory, readonly string[], number]>([
    ['the journal', history([1, began('2')], [1, DONE]), [], 5],
    ['a fleet that is older than the database', [], ['web-1-r41-1', 'web-2-r9-2', 'web-3'], 42],
  ])('has a number that nobody had before, by %s', (_what, before, ids, number) => {
    const fleet = ids.map((id) => seen(placed(id, '1')))
    expect(beginning(WISH, fleet, before, 0).number).toBe(number)
  })
})

test('of those that are gone whoever was of a deployment long ago is forgotten, and nobody who lives', () => {
  const fleet = [
    ...[4, 7, 8, 11].map((number) => seen(placed(`web-1-r${number}-1`, '1'), 'gone')),
    seen(placed('web-1-r2-1', '1'), 'serving'),
    seen(placed('web-2', '1'), 'gone'),
  ]
  const forgotten = (history: number) =>
    forgettable(fleet, { ...started(), number: 12, rules: rolloutRules({ history }) }).map(({ id }) => id)
  expect(forgotten(4)).toEqual(['web-1-r4-1', 'web-1-r7-1', 'web-2'])
  expect(forgotten(0)).toHaveLength(5)
  expect(forgotten(100)).toEqual([])
})

describe('what serves before', () => {
  test('is one a slot: the healthy one, and of several the eldest', () => {
    const fleet = [
      seen(placed('web-1-a', '1'), 'serving', { health: SICK, inStateMs: 9_000 }),
      seen(placed('web-1-b', '1'), 'serving', { inStateMs: 2_000 }),
      seen(placed('web-1-c', '0'), 'serving', { inStateMs: 5_000 }),
      seen(placed('web-2-a', '1'), 'serving', { health: SICK }),
      seen(placed('web-3-a', '1'), 'starting'),
      seen(placed('web-4-a', '1'), 'draining'),
      seen(placed('web-5-a', '1'), 'gone'),
    ]
    expect(servingIn(fleet, RULES).map(({ id, available }) => `${id} ${available}`)).toEqual([
      'web-1-c true',
      'web-2-a false',
    ])
  })

  test('is one, too, that ended by itself and is being started again: a way back does not leave its place empty', () => {
    const fleet = [
      seen(placed('web-1-a', '1'), 'starting', { returning: true }),
      seen(placed('web-1-b', '1')),
      seen(placed('web-2-a', '1'), 'starting', { returning: true }),
    ]
    expect(servingIn(fleet, RULES).map(({ id, available }) => `${id} ${available}`)).toEqual([
      'web-1-b true',
      'web-2-a false',
    ])
  })
})

describe('a rollout that is not over', () => {
  test.each<[string, RolloutHistory, number | undefined]>([
    ['is none at first', [], undefined],
    ['is the last beginning', history([1, began('2')]), 1],
    ['is not one that ended', history([1, began('2')], [1, DONE]), undefined],
    ['may be of another run', history([1, began('2')], [2, began('3')], [2, DONE]), 1],
    ['may be the second of a run', history([1, began('2')], [1, TAKEN_BACK], [1, began('3')]), 1],
  ])('%s', (_what, all, run) => {
    expect(openIn(all)?.run).toBe(run)
  })
})

describe('a version that is asked for again', () => {
  test.each<[string, RolloutHistory, number | undefined]>([
    ['is for no run at first', [], undefined],
    ['is for the run for which it was taken back', history([1, began('2')], [1, TAKEN_BACK]), 1],
    ['is for none when it was rolled out', history([1, began('2')], [1, DONE]), undefined],
    ['is for none while it is on its way', history([1, began('2')]), undefined],
    [
      'is for none when another one came since',
      history([1, began('2')], [1, TAKEN_BACK], [2, began('3')], [2, TAKEN_BACK]),
      undefined,
    ],
  ])('%s', (_what, all, run) => {
    expect(failedIn(all, '2')).toBe(run)
  })
})

describe('versions that the database cannot serve any more', () => {
  const HIDDEN = 'hidden'
  /** A history, and the run whose old shape was hidden in the midst of it. */
  const ofRun = (run: number, ...events: readonly (typeof HIDDEN | readonly [number, RolloutEvent])[]) => {
    const hidden = events.indexOf(HIDDEN)
    const entries = events.flatMap((one, at) =>
      one === HIDDEN ? [] : [{ run: one[0], seq: at + 1, atMs: at, event: one[1] }],
    )
    const others = [1, 2, 3].map((id) => ({ run: id, migration: `m${id}` }))
    return tooOld(
      entries,
      others.map((one) => (one.run === run && hidden >= 0 ? { ...one, retiredSeq: hidden + 1 } : one)),
    )
  }

  test('are those that a rollout ahead of a contract replaced', () => {
    expect(ofRun(1, [1, began('2', '1')], [1, DONE], HIDDEN)).toEqual([
      {
        version: '1',
        because: 'it was replaced before the contract of "m1", and needs what is no longer there',
      },
    ])
    expect(ofRun(1, [1, began('2', '1')], [1, DONE]), 'nothing is gone before the contract').toEqual([])
  })

  test.each<[string, Parameters<typeof ofRun>, readonly string[]]>([
    [
      'and all before them',
      [2, [1, began('2', '1')], [1, DONE], [2, began('3', '2')], [2, DONE], HIDDEN],
      ['2', '1'],
    ],
    [
      'also such as never came through',
      [2, [2, began('2', '1')], [2, TAKEN_BACK], [2, began('3', '1')], [2, DONE], HIDDEN],
      ['2', '1'],
    ],
    [
      'also one that was rolled out again ahead of the contract, and replaced once more',
      [
        2,
        [2, began('2', '1')],
        [2, DONE],
        [3, began('1', '2')],
        [3, DONE],
        [3, began('2', '1')],
        [3, DONE],
        HIDDEN,
      ],
      ['1'],
    ],
    [
      'but not one that was rolled out again behind it',
      [2, [2, began('2', '1')], [2, DONE], HIDDEN, [3, began('1', '2')], [3, DONE]],
      [],
    ],
    [
      'but not what came after, for another migration or for the same',
      [
        2,
        [2, began('2', '1')],
        [2, DONE],
        HIDDEN,
        [3, began('3', '2')],
        [3, DONE],
        [2, began('4', '3')],
        [2, DONE],
      ],
      ['1'],
    ],
    ['and none where nothing was rolled out', [2, HIDDEN], []],
    ['and none where nothing came through', [2, [2, began('2', '1')], [2, TAKEN_BACK], HIDDEN], []],
  ])('%s', (_what, [run, ...events], expected) => {
    expect(
      ofRun(run, ...events)
        .map(({ version }) => version)
        .toSorted(),
    ).toEqual(expected.toSorted())
  })
})
