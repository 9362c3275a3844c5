import { describe, expect, test } from 'vitest'
import type { RolloutEntry, RolloutEvent } from '../../../src/core/rollout/event.ts'
import { foldRollout } from '../../../src/core/rollout/fold.ts'
import {
  asked,
  BEGIN_MS,
  batch,
  failed,
  fresh,
  old,
  placing,
  replaced,
  rolloutOf,
  SETTLED,
  started,
  told,
} from '../../support/rollout-model.ts'

const entriesOf = (...events: readonly RolloutEvent[]): readonly RolloutEntry[] =>
  events.map((event, at) => ({ seq: at + 1, atMs: BEGIN_MS + at * 1_000, event }))

describe('a rollout', () => {
  test('is none before one begins', () => {
    expect(foldRollout(undefined, [])).toBeUndefined()
    expect(foldRollout(undefined, entriesOf(SETTLED))).toBeUndefined()
  })

  test('begins with what serves, and on its way forward', () => {
    expect(rolloutOf({ before: ['web-1'] })).toMatchObject({
      number: 7,
      version: '2',
      direction: 'forward',
      batches: 0,
      movedAtMs: BEGIN_MS,
      outcome: undefined,
      instances: new Map([
        [
          'web-1-old',
          { ...old('web-1'), from: 'before', state: 'serving', sinceMs: BEGIN_MS, failed: undefined },
        ],
      ]),
    })
  })

  test('is the last one of its run', () => {
    const second = { ...started(), number: 8, version: '3' }
    const ended: RolloutEvent = { kind: 'ended', outcome: 'rolled_back', because: 'x' }
    const rollout = foldRollout(undefined, entriesOf(started(), batch('web-1'), ended, second))
    expect(rollout).toMatchObject({ number: 8, version: '3', outcome: undefined, batches: 0 })
  })

  test('comes to the same, however its entries are read', () => {
    const all = entriesOf(
      started(),
      batch('web-1'),
      ...replaced('web-1'),
      SETTLED,
      asked('pause'),
      asked('resume', 2),
      batch('web-2'),
      placing(fresh('web-2')),
      failed(fresh('web-2')),
      { kind: 'turned_back', because: 'x' },
    )
    const whole = foldRollout(undefined, all)
    for (let cut = 1; cut < all.length; cut += 1) {
      const first = foldRollout(undefined, all.slice(0, cut))
      expect(foldRollout(first, all.slice(cut))).toEqual(whole)
    }
  })

  test('leaves the state that it goes on from as it was', () => {
    const one = fresh('web-1')
    const begun = rolloutOf({}, batch('web-1'), placing(one))
    const before = structuredClone(begun)
    const later = entriesOf(
      told('running', one),
      told('serving', one),
      failed(one),
      placing(fresh('web-1', 2)),
    )
    expect(foldRollout(begun, later)).not.toEqual(before)
    expect(begun).toEqual(before)
    expect(rolloutOf({}).failures, 'and what another one begins with').toEqual(new Map())
  })

  test('knows of each instance how far it came, and since when', () => {
    const { instances, drained, attempts } = rolloutOf({}, batch('web-1'), ...replaced('web-1'))
    expect(instances.get('web-1-r7-1')).toMatchObject({
      from: 'forward',
      state: 'serving',
      sinceMs: BEGIN_MS + 4_000,
    })
    expect(instances.get('web-1-old')).toMatchObject({
      from: 'before',
      state: 'gone',
      sinceMs: BEGIN_MS + 6_000,
    })
    expect([...drained]).toEqual(['web-1-old'])
    expect(attempts).toEqual(new Map([['web-1', 1]]))
  })

  test('hears of strangers without harm', () => {
    const strange = rolloutOf(
      {},
      told('gone', fresh('web-9')),
      failed(fresh('web-9')),
      told('draining', fresh('web-9')),
    )
    expect(strange.instances.has('web-9-r7-1')).toBe(false)
    expect(strange.setAside.size).toBe(0)
  })

  test('forgets what failed on the way forward when it turns back', () => {
    const one = fresh('web-1')
    const rollout = rolloutOf({ rules: { retries: 0 } }, batch('web-1'), placing(one), failed(one), {
      kind: 'turned_back',
      because: 'it failed',
    })
    expect(rollout).toMatchObject({
      direction: 'back',
      turnedBecause: 'it failed',
      begun: new Set(),
      batches: 0,
      failures: new Map(),
      setAside: new Map(),
      lastFailure: { id: 'web-1-r7-1', log: ['its last words'] },
    })
  })

  test('remembers what it heard', () => {
    expect(rolloutOf({}, asked('pause', 4)).heard).toBe(4)
    expect(foldRollout(undefined, entriesOf({ ...started(), heard: 9 }))?.heard).toBe(9)
  })

  test('hurries only through a pause that is on', () => {
    expect(rolloutOf({}, batch('web-1'), asked('resume')).hurried).toBe(false)
    const waiting = [batch('web-1'), ...replaced('web-1'), SETTLED]
    expect(rolloutOf({}, ...waiting, asked('resume')).hurried).toBe(true)
    expect(rolloutOf({}, ...waiting, asked('resume'), batch('web-2')).hurried).toBe(false)
  })
})
