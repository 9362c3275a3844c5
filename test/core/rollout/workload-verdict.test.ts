import { describe, expect, test } from 'vitest'
import type { WorkloadFacts } from '../../../src/core/rollout/workload.ts'
import {
  conditionKey,
  type Ours,
  rollObstacle,
  whatIsAwaited,
  workloadVerdict,
} from '../../../src/core/rollout/workload-verdict.ts'
import {
  condition,
  cronJob,
  daemonSet,
  deployment,
  pod,
  RULES,
  statefulSet,
} from '../../support/kubernetes/facts.ts'

const OURS: Ours = { version: { known: '2' }, generation: 5, stale: [] }
const verdict = (facts: WorkloadFacts, ours: Partial<Ours> = {}) =>
  workloadVerdict(facts, { ...OURS, ...ours }, RULES)

const EXCEEDED = condition('Progressing', 'False', {
  reason: 'ProgressDeadlineExceeded',
  message: 'ReplicaSet "shop-5d" has timed out progressing.',
})

describe('rolled', () => {
  test.each<[string, WorkloadFacts]>([
    ['a Deployment with all pods updated and available', deployment()],
    ['a Deployment scaled to nothing', deployment({ desired: 0, replicas: 0, updated: 0, available: 0 })],
    ['a Deployment on a server that counts no ending pods', deployment({ terminating: 0 })],
    ['a StatefulSet with one revision', statefulSet()],
    ['a DaemonSet with all nodes updated', daemonSet()],
    ['a CronJob whose template is ours: nothing rolls', cronJob()],
    [
      'a workload whose generation an autoscaler raised',
      deployment({ generation: 9, observedGeneration: 9 }),
    ],
    [
      'a workload with an old pod that has ended',
      deployment({ pods: [pod('shop-old', '1', { state: 'ended' })] }),
    ],
  ])('is %s', (_what, facts) => {
    expect(verdict(facts)).toEqual({
      state: 'rolled',
      because: [`the ${facts.kind} "${facts.name}" has version 2 everywhere`],
    })
  })
})

describe('rolling', () => {
  test.each<[string, WorkloadFacts, readonly string[]]>([
    [
      'pods are missing',
      deployment({ updated: 1 }),
      ['1 of 3 pods are updated', 'old pods that have not ended: 2'],
    ],
    ['old pods are left over', deployment({ replicas: 4 }), ['old pods that have not ended: 1']],
    ['pods are not available', deployment({ available: 2 }), ['2 of 3 pods are available']],
    [
      'an autoscaler wants more',
      deployment({ desired: 5, generation: 6 }),
      ['3 of 5 pods are updated', '3 of 5 pods are available'],
    ],
    ['an autoscaler wants fewer', deployment({ desired: 2 }), ['3 pods are there, and 2 wanted']],
    [
      'a Deployment is paused',
      deployment({ paused: true }),
      ['it is paused: kubectl rollout resume deployment shop'],
    ],
    ['pods of a StatefulSet are not ready', statefulSet({ ready: 2 }), ['2 of 3 pods are ready']],
    [
      'a StatefulSet is between two revisions',
      statefulSet({ updated: 2, currentRevision: 'shop-a' }),
      ['2 of 3 pods are updated'],
    ],
    [
      'a partition keeps pods of a StatefulSet',
      statefulSet({ updated: 1, currentRevision: 'shop-a', partition: 2 }),
      ['its partition 2 keeps pods on the old template: set it to 0', '1 of 3 pods are updated'],
    ],
    [
      'a StatefulSet replaces nothing by itself',
      statefulSet({ updated: 0, currentRevision: 'shop-a', strategy: 'OnDelete' }),
      [
        'its strategy OnDelete replaces a pod only when somebody deletes it: set it to RollingUpdate',
        '0 of 3 pods are updated',
      ],
    ],
    [
      'a broken pod of the version before holds a StatefulSet up',
      statefulSet({
        ready: 2,
        pods: [
          pod('shop-2', '3', {
            ready: false,
            waiting: { container: 'app', reason: 'CrashLoopBackOff', message: '' },
          }),
        ],
      }),
      ['2 of 3 pods are ready', 'the pod "shop-2" of version 3 holds it up: kubectl delete pod shop-2'],
    ],
    [
      'a pod of the version before that never became ready holds a StatefulSet up, and one that ends does not',
      statefulSet({
        ready: 1,
        pods: [
          pod('shop-1', '3', { ready: false, state: 'ending', notReadyMs: 31_000 }),
          pod('shop-2', '3', { ready: false, notReadyMs: 31_000 }),
        ],
      }),
      ['1 of 3 pods are ready', 'the pod "shop-2" of version 3 holds it up: kubectl delete pod shop-2'],
    ],
    ['nodes are missing', daemonSet({ updated: 1 }), ['1 of 3 pods are updated']],
    ['a DaemonSet is not available', daemonSet({ available: 2 }), ['2 of 3 pods are available']],
    ['a DaemonSet has more than it wants', daemonSet({ unavailable: 1 }), ['3 of 3 pods are available']],
    [
      'a DaemonSet replaces nothing by itself',
      daemonSet({ strategy: 'OnDelete' }),
      ['its strategy OnDelete replaces a pod only when somebody deletes it: set it to RollingUpdate'],
    ],
  ])('while %s', (_what, facts, because) => {
    expect(verdict(facts)).toEqual({
      state: 'rolling',
      because: because.map((what) => `${facts.kind} "shop": ${what}`),
    })
  })

  test.each([
    ['complete', deployment({ observedGeneration: 4 })],
    ['failed', deployment({ observedGeneration: 4, conditions: [EXCEEDED] })],
    [
      'in trouble',
      statefulSet({ observedGeneration: 4, pods: [pod('x', '2', { ready: false, restarts: 9 })] }),
    ],
  ])(
    'while the controller has not looked: what is shown is from before, even if it is %s',
    (_what, facts) => {
      expect(verdict(facts)).toEqual({
        state: 'rolling',
        because: [`the controller of the ${facts.kind} "shop" has not looked at the last change yet`],
      })
    },
  )
})

describe('draining', () => {
  test.each<[string, WorkloadFacts, readonly string[]]>([
    [
      'old pods are ending, though the Deployment is complete',
      deployment({ terminating: 2, pods: [pod('a', '1', { state: 'ending' }), pod('b', '2')] }),
      ['the pod "a" of version 1 is ending'],
    ],
    [
      'the cluster counts ending pods that no list shows',
      deployment({ terminating: 2, pods: [pod('b', '2')] }),
      ['the Deployment "shop" has pods that are ending (2)'],
    ],
    [
      'nobody can tell the version of a pod',
      daemonSet({ pods: [pod('a', '2', { version: { unclear: 'no tag' } })] }),
      ['the pod "a" of an unclear version (no tag) is running'],
    ],
    [
      'old Jobs of a CronJob are active',
      cronJob({
        jobs: [
          { name: 'nightly-1', version: { known: '1' }, state: 'active' },
          { name: 'nightly-2', version: { known: '2' }, state: 'active' },
          { name: 'nightly-0', version: { known: '1' }, state: 'suspended' },
        ],
        pods: [pod('nightly-1-x', '1')],
      }),
      ['the pod "nightly-1-x" of version 1 is running', 'the Job "nightly-1" of version 1 is active'],
    ],
  ])('while %s', (_what, facts, because) => {
    expect(verdict(facts)).toEqual({ state: 'draining', because })
  })
})

describe('failed', () => {
  const crashing = pod('shop-x', '2', { ready: false, restarts: 3, lastEnd: 'Error, exit code 1' })

  test('when a pod of ours will not become ready, long before any deadline', () => {
    expect(verdict(deployment({ updated: 1, replicas: 4, pods: [crashing] }))).toEqual({
      state: 'failed',
      because: ['the pod "shop-x" is not ready after 3 restarts; it ended last with Error, exit code 1'],
    })
  })

  test('never because of a pod that was broken before', () => {
    const old = { ...crashing, version: { known: '1' } }
    expect(verdict(deployment({ updated: 1, replicas: 4, pods: [old] })).state).toBe('rolling')
  })

  test('when the Deployment says that its deadline has passed', () => {
    expect(verdict(deployment({ updated: 1, conditions: [EXCEEDED] }))).toEqual({
      state: 'failed',
      because: [
        'the Deployment "shop" has passed its progress deadline: ReplicaSet "shop-5d" has timed out progressing.',
      ],
    })
  })

  test('not by a deadline that had passed before our change, though the controller has seen our change', () => {
    const facts = deployment({ updated: 1, replicas: 2, conditions: [EXCEEDED] })
    expect(verdict(facts, { stale: [conditionKey(EXCEEDED)] }).state).toBe('rolling')
  })

  test('by a deadline that passes again after it', () => {
    const again = { ...EXCEEDED, asOf: '2026-01-01T00:20:00Z' }
    const facts = deployment({ updated: 1, conditions: [again] })
    expect(verdict(facts, { stale: [conditionKey(EXCEEDED)] }).state).toBe('failed')
  })

  test('when no pod can be made for longer than a passing fault lasts', () => {
    const quota = condition('ReplicaFailure', 'True', { message: 'exceeded quota', ageMs: 31_000 })
    expect(verdict(deployment({ updated: 0, conditions: [quota] }))).toEqual({
      state: 'failed',
      because: ['the Deployment "shop" cannot make pods: exceeded quota'],
    })
    const passing = { ...quota, ageMs: 29_000 }
    expect(verdict(deployment({ updated: 0, conditions: [passing] })).state).toBe('rolling')
    expect(
      verdict(deployment({ updated: 0, conditions: [quota] }), { stale: [conditionKey(quota)] }).state,
    ).toBe('rolling')
  })

  test.each([
    condition('Progressing', 'True', { reason: 'ReplicaSetUpdated' }),
    condition('Progressing', 'Unknown', { reason: 'DeploymentPaused' }),
    condition('Available', 'False', { reason: 'MinimumReplicasUnavailable' }),
    condition('ReplicaFailure', 'False'),
  ])('not by the condition $type=$status', (one) => {
    expect(verdict(deployment({ updated: 1, conditions: [one] })).state).toBe('rolling')
  })
})

describe('overtaken', () => {
  test.each([
    [{ known: '3' }, 'version 3'],
    [{ known: '1' }, 'version 1'],
    [
      { unclear: 'its label says "2", its image "1"' },
      'an unclear version (its label says "2", its image "1")',
    ],
  ])('when the template is no longer ours: %j', (version, words) => {
    expect(verdict(deployment({ version, generation: 7 }))).toEqual({
      state: 'overtaken',
      because: [
        `somebody else changed the Deployment "shop": its template has ${words} in generation 7, ours was version 2 in generation 5`,
      ],
    })
  })

  test('also when it has failed meanwhile: that is no longer ours to judge', () => {
    expect(verdict(deployment({ version: { known: '3' }, conditions: [EXCEEDED] })).state).toBe('overtaken')
  })

  test('not when a template without a version is as we put it back', () => {
    const unclear = { unclear: 'no tag' }
    expect(verdict(deployment({ version: unclear }), { version: unclear }).state).toBe('rolled')
  })
})

test.each<[string, WorkloadFacts, string | undefined]>([
  [
    'a paused Deployment',
    deployment({ paused: true }),
    'it is paused: kubectl rollout resume deployment shop',
  ],
  [
    'a partition',
    statefulSet({ partition: 1 }),
    'its partition 1 keeps pods on the old template: set it to 0',
  ],
  [
    'a StatefulSet with OnDelete',
    statefulSet({ strategy: 'OnDelete' }),
    'its strategy OnDelete replaces a pod only when somebody deletes it: set it to RollingUpdate',
  ],
  [
    'a DaemonSet with OnDelete',
    daemonSet({ strategy: 'OnDelete' }),
    'its strategy OnDelete replaces a pod only when somebody deletes it: set it to RollingUpdate',
  ],
  ['a Deployment', deployment(), undefined],
  ['a StatefulSet', statefulSet(), undefined],
  ['a DaemonSet', daemonSet(), undefined],
  ['a suspended CronJob', cronJob({ suspended: true }), undefined],
])('what keeps %s from rolling is known before it is changed', (_what, facts, obstacle) => {
  expect(rollObstacle(facts)).toBe(obstacle)
})

describe('what is waited for until somebody else has rolled out', () => {
  test.each<[string, WorkloadFacts, readonly string[]]>([
    ['nothing when the version is everywhere', deployment(), []],
    [
      'the version',
      deployment({ version: { known: '1' } }),
      ['the template of the Deployment "shop" has version 1'],
    ],
    [
      'a version that somebody can tell',
      deployment({ version: { unclear: 'no tag' } }),
      ['the template of the Deployment "shop" has an unclear version (no tag)'],
    ],
    [
      'the controller, which has not looked yet',
      deployment({ generation: 6 }),
      ['the controller of the Deployment "shop" has not looked at the last change yet'],
    ],
    [
      'the last old pod',
      deployment({ pods: [pod('shop-old', '1', { state: 'ending' })] }),
      ['the pod "shop-old" of version 1 is ending'],
    ],
    [
      'what fails: whoever brought it in may mend it',
      deployment({ available: 2, conditions: [EXCEEDED] }),
      [
        'the Deployment "shop" has passed its progress deadline: ReplicaSet "shop-5d" has timed out progressing.',
      ],
    ],
  ])('is %s', (_what, facts, because) => {
    expect(whatIsAwaited(facts, '2', RULES)).toEqual(because)
  })
})
