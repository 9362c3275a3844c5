import { describe, expect, test } from 'vitest'
import { podFacts } from '../../../src/adapters/kubernetes/pods.ts'
import type { PodFacts } from '../../../src/core/rollout/workload.ts'

const AT = Date.parse('2026-01-01T00:10:00Z')
const V2 = { known: '2' }

function facts(status: object, more: { readonly metadata?: object; readonly spec?: object } = {}): PodFacts {
  const pod = {
    metadata: { name: 'shop-x', creationTimestamp: '2026-01-01T00:05:00Z', ...more.metadata },
    spec: { containers: [], ...more.spec },
    status,
  }
  return podFacts(pod, V2, AT)
}
const running = (reason: string, message = 'why') => ({
  containerStatuses: [{ name: 'app', restartCount: 1, state: { waiting: { reason, message } } }],
})

describe('what a pod tells', () => {
  test('of one that runs well', () => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:06:00Z' }]
    expect(facts({ phase: 'Running', conditions }, { spec: { nodeName: 'node-1' } })).toEqual({
      name: 'shop-x',
      version: V2,
      state: 'running',
      node: 'node-1',
      since: '2026-01-01T00:05:00Z',
      ready: true,
      restarts: 0,
      ageMs: 300_000,
      notReadyMs: 0,
    })
  })

  test.each<[string, object, object, PodFacts['state']]>([
    ['that was only asked for', {}, {}, 'pending'],
    ['that waits for a node', { phase: 'Pending' }, {}, 'pending'],
    ['that runs', { phase: 'Running' }, {}, 'running'],
    ['whose node is silent: it may run', { phase: 'Unknown' }, {}, 'running'],
    ['that was told to end', { phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:09:00Z' }, 'ending'],
    ['that was told to end before it ran', { phase: 'Pending' }, { deletionTimestamp: 'x' }, 'ending'],
    [
      'whose node is silent and that was told to end',
      { phase: 'Unknown' },
      { deletionTimestamp: 'x' },
      'ending',
    ],
    ['that is done', { phase: 'Succeeded' }, {}, 'ended'],
    ['that failed', { phase: 'Failed' }, { deletionTimestamp: 'x' }, 'ended'],
  ])('of one %s', (_what, status, metadata, state) => {
    expect(facts(status, { metadata }).state).toBe(state)
  })

  test.each<[string, object, Partial<PodFacts>]>([
    [
      'how long it has not been ready',
      { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:09:30Z' }] },
      { ready: false, notReadyMs: 30_000 },
    ],
    ['that it never was ready, since it is there', {}, { ready: false, notReadyMs: 300_000 }],
    [
      'nothing of the future, when clocks differ',
      { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:11:00Z' }] },
      { notReadyMs: 0 },
    ],
    [
      'what a container waits for',
      running('ErrImagePull', 'no such tag'),
      { waiting: { container: 'app', reason: 'ErrImagePull', message: 'no such tag' }, restarts: 1 },
    ],
    [
      'what a container before the others waits for',
      {
        initContainerStatuses: [
          { name: 'prepare', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } },
        ],
        ...running('PodInitializing'),
      },
      { waiting: { container: 'prepare', reason: 'CrashLoopBackOff', message: '' }, restarts: 3 },
    ],
    [
      'how a container ended last',
      {
        containerStatuses: [
          { name: 'sidecar', restartCount: 0 },
          { name: 'app', restartCount: 4, lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } },
        ],
      },
      { lastEnd: 'OOMKilled, exit code 137', restarts: 4 },
    ],
    [
      'how a container ended of which nobody knows why',
      { containerStatuses: [{ name: 'app', lastState: { terminated: {} } }] },
      { lastEnd: 'Ended, exit code unknown' },
    ],
    [
      'that no node takes it',
      {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' },
        ],
      },
      { unschedulable: '0/3 nodes' },
    ],
  ])('%s', (_what, status, told) => {
    expect(facts(status)).toMatchObject(told)
  })

  test.each(['ContainerCreating', 'PodInitializing', ''])('no trouble while it starts: "%s"', (reason) => {
    expect(facts(running(reason)).waiting).toBeUndefined()
  })

  test('no trouble of a node where it is only held back', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }]
    expect(facts({ conditions }).unschedulable).toBeUndefined()
  })
})
