import { describe, expect, test } from 'vitest'
import type { RolloutEvent, RolloutRequest } from '../../../src/core/rollout/event.ts'
import { foldRollout } from '../../../src/core/rollout/fold.ts'
import { foldWorkloadRollout } from '../../../src/core/rollout/workload-rollout.ts'
import { SHOP } from '../../support/kubernetes/objects.ts'
import { started } from '../../support/rollout-model.ts'

const BEGUN: RolloutEvent = {
  kind: 'rollout_started',
  number: 7,
  version: '2',
  mode: 'drive',
  workloads: [SHOP],
  before: [{ version: '1' }],
  heard: 3,
}
const asked = (request: RolloutRequest, seq: number): RolloutEvent => ({
  kind: 'asked',
  request,
  seq,
  by: 'ana',
})
const STUCK: RolloutEvent = {
  kind: 'workload',
  event: { type: 'workload_stuck', workload: 'Deployment "shop"', because: ['it crashes'] },
}
const BACK: RolloutEvent = { kind: 'turned_back', because: 'it failed' }
const PAUSED: RolloutEvent = { kind: 'paused', because: 'look at it' }

const entries = (events: readonly RolloutEvent[]) =>
  events.map((event, at) => ({ seq: at + 1, atMs: at, event }))
const folded = (...events: readonly RolloutEvent[]) =>
  foldWorkloadRollout(undefined, entries([BEGUN, ...events]))

describe('a roll of workloads, as the fold of its events', () => {
  test('is the last rollout of its run, or none: that may be one of instances', () => {
    const both = [BEGUN, started()]
    expect(foldWorkloadRollout(undefined, entries(both))).toBeUndefined()
    expect(foldRollout(undefined, entries(both))?.version).toBe('2')
    expect(foldRollout(undefined, entries([...both, BEGUN, STUCK, BACK]))).toBeUndefined()
    expect(foldWorkloadRollout(undefined, entries([...both, BEGUN, STUCK]))?.past).toHaveLength(1)
  })

  test('hears a request once', () => {
    expect(folded()?.heard).toBe(3)
    expect(folded(asked('pause', 5))).toMatchObject({
      heard: 5,
      paused: { because: 'paused by ana', kind: 'asked' },
    })
    expect(folded(asked('pause', 5), asked('pause', 6), asked('resume', 7))).toMatchObject({
      heard: 7,
      paused: undefined,
    })
  })

  test.each<[string, readonly RolloutEvent[], string | undefined]>([
    ['forward', [], 'ana'],
    ['forward, where it stands still', [PAUSED], 'ana'],
    ['back: that is under way', [BACK], undefined],
    ['back, where it stands still', [BACK, PAUSED], 'ana'],
  ])('can be taken back on the way %s', (_way, events, by) => {
    expect(folded(...events, asked('abort', 5))?.abortedBy).toBe(by)
  })

  test('looks anew at what was stuck when it is resumed, and keeps the rest', () => {
    const kept: RolloutEvent = { kind: 'workload', event: { type: 'roll_aborted', because: [] } }
    expect(folded(kept, BACK, STUCK, PAUSED, asked('resume', 5))).toMatchObject({
      past: [{ type: 'roll_aborted' }],
      paused: undefined,
      direction: 'back',
      turnedBecause: 'it failed',
    })
  })
})
