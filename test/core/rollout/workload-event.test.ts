import { describe, expect, test } from 'vitest'
import type { SavedTemplate } from '../../../src/core/rollout/release.ts'
import { type RolledWorkload, workloadName } from '../../../src/core/rollout/workload.ts'
import {
  foldRoll,
  isUntouched,
  nextAct,
  type WorkloadEvent,
} from '../../../src/core/rollout/workload-event.ts'
import type { Ours } from '../../../src/core/rollout/workload-verdict.ts'

const A: RolledWorkload = { kind: 'Deployment', name: 'a', container: 'app' }
const B: RolledWorkload = { kind: 'CronJob', name: 'b', container: 'app' }
const saved: SavedTemplate = { version: { known: '1' }, template: { spec: 'old' } }
const ours: Ours = { version: { known: '2' }, generation: 2, stale: [] }
const because = ['why']

const event = {
  saved: (of = A): WorkloadEvent => ({ type: 'workload_saved', workload: workloadName(of), saved }),
  changed: (of = A): WorkloadEvent => ({ type: 'workload_changed', workload: workloadName(of), ours }),
  rolled: (of = A): WorkloadEvent => ({ type: 'workload_rolled', workload: workloadName(of), because }),
  failed: (of = A): WorkloadEvent => ({ type: 'workload_failed', workload: workloadName(of), because }),
  overtaken: (of = A): WorkloadEvent => ({ type: 'workload_overtaken', workload: workloadName(of), because }),
  putBack: (of = A): WorkloadEvent => ({ type: 'workload_put_back', workload: workloadName(of), ours }),
  restored: (of = A): WorkloadEvent => ({ type: 'workload_restored', workload: workloadName(of), because }),
  stuck: (of = A): WorkloadEvent => ({ type: 'workload_stuck', workload: workloadName(of), because }),
  aborted: (): WorkloadEvent => ({ type: 'roll_aborted', because }),
}
const { saved: save, changed, rolled, failed, overtaken, putBack, restored, stuck, aborted } = event

/** `save Deployment "a"`, or `end rolled`. */
const next = (...events: readonly WorkloadEvent[]): string => {
  const act = nextAct(foldRoll(events), [A, B])
  return act.act === 'end' ? `end ${act.outcome.state}` : `${act.act} ${act.workload.name}`
}

test.each<[string, readonly WorkloadEvent[]]>([
  ['save a', []],
  ['change a', [save()]],
  ['watch a', [save(), changed()]],
  ['save b', [save(), changed(), rolled()]],
  ['change b', [save(), changed(), rolled(), save(B)]],
  ['watch b', [save(), changed(), rolled(), save(B), changed(B)]],
  ['end rolled', [save(), changed(), rolled(), save(B), changed(B), rolled(B)]],
  ['end overtaken', [save(), overtaken()]],
  ['end overtaken', [save(), changed(), overtaken()]],
  ['end overtaken', [save(), changed(), rolled(), save(B), overtaken(B)]],
  ['put_back a', [save(), changed(), failed()]],
  ['watch_back a', [save(), changed(), failed(), putBack()]],
  ['end taken_back', [save(), changed(), failed(), putBack(), restored()]],
  ['end stuck', [save(), changed(), failed(), putBack(), stuck()]],
  ['end stuck', [save(), changed(), failed(), overtaken()]],
  ['put_back b', [save(), changed(), rolled(), save(B), changed(B), failed(B)]],
  ['put_back a', [save(), changed(), rolled(), save(B), changed(B), failed(B), putBack(B)]],
  ['watch_back b', [save(), changed(), rolled(), save(B), changed(B), failed(B), putBack(B), putBack()]],
  [
    'watch_back a',
    [save(), changed(), rolled(), save(B), changed(B), failed(B), putBack(B), putBack(), restored(B)],
  ],
  [
    'watch_back a',
    [save(), changed(), rolled(), save(B), changed(B), failed(B), putBack(B), putBack(), stuck(B)],
  ],
  ['end taken_back', [aborted()]],
  ['put_back a', [save(), aborted()]],
  ['put_back a', [save(), changed(), aborted()]],
  // The template of b could not be saved: there is nothing of it to put back.
  ['put_back a', [save(), changed(), rolled(), failed(B)]],
])('next is: %s', (act, events) => {
  expect(next(...events)).toBe(act)
})

describe('a roll', () => {
  test('keeps the saved template through every stage, and why it goes back', () => {
    const roll = foldRoll([save(), changed(), rolled(), save(B), changed(B), failed(B)])
    expect(roll).toEqual({
      direction: 'back',
      because,
      stages: {
        'Deployment "a"': { at: 'rolled', saved, ours },
        'CronJob "b"': { at: 'failed', saved },
      },
    })
  })

  test('survives being written down', () => {
    const events = [save(), changed(), failed(), putBack()]
    expect(foldRoll(JSON.parse(JSON.stringify(events)))).toEqual(foldRoll(events))
  })

  test('tells what became of each workload on the way back, the newest first', () => {
    const events = [save(), changed(), rolled(), save(B), changed(B), failed(B), putBack(B), putBack()]
    const ended = [
      { ...restored(B), because: ['b is back'] } as WorkloadEvent,
      { ...stuck(), because: ['a is not'] } as WorkloadEvent,
    ]
    expect(nextAct(foldRoll([...events, ...ended]), [A, B])).toEqual({
      act: 'end',
      outcome: { state: 'stuck', because, back: ['b is back', 'a is not'] },
    })
  })

  test.each<[readonly WorkloadEvent[], boolean]>([
    [[], true],
    [[save()], true],
    [[save(), changed()], false],
    [[save(), changed(), rolled()], false],
    [[save(), overtaken()], false],
  ])('of %j is untouched: %s', (events, is) => {
    expect(isUntouched(foldRoll(events))).toBe(is)
  })
})
