import { describe, expect, test } from 'vitest'
import type { RolledWorkload } from '../../../src/core/rollout/workload.ts'
import { clusterOf, failureOf } from '../../support/kubernetes/client.ts'
import {
  controlledBy,
  NIGHTLY,
  putCronJob,
  putDeployment,
  putJob,
  putPod,
  SHOP,
  template,
} from '../../support/kubernetes/objects.ts'
import { startKubernetesStub } from '../../support/kubernetes/stub.ts'

async function started() {
  const stub = await startKubernetesStub()
  return { stub, store: stub.store, cluster: clusterOf(stub, [SHOP]) }
}

describe('a look at a Deployment', () => {
  test('tells its counts, its conditions and its pods', async () => {
    const { store, cluster } = await started()
    putDeployment(store, '2')
    store.merge('Deployment', 'shop', {
      metadata: { generation: 7 },
      status: {
        observedGeneration: 6,
        terminatingReplicas: 1,
        conditions: [
          {
            type: 'Progressing',
            status: 'True',
            reason: 'ReplicaSetUpdated',
            message: 'is progressing',
            lastUpdateTime: '2025-12-31T23:59:30Z',
            lastTransitionTime: '2025-12-31T23:59:00Z',
          },
        ],
      },
    })
    putPod(store, 'shop-a', '1', { owner: ['ReplicaSet', 'shop-1'], ending: true })
    putPod(store, 'shop-b', '2', { owner: ['ReplicaSet', 'shop-2'] })
    putPod(store, 'other', '2', { app: 'other' })
    const facts = await cluster.look(SHOP)
    expect(facts).toEqual({
      kind: 'Deployment',
      name: 'shop',
      atMs: store.nowMs,
      version: { known: '2' },
      generation: 7,
      observedGeneration: 6,
      paused: false,
      progressDeadlineMs: 600_000,
      desired: 3,
      replicas: 3,
      updated: 3,
      available: 3,
      terminating: 1,
      conditions: [
        {
          type: 'Progressing',
          status: 'True',
          reason: 'ReplicaSetUpdated',
          message: 'is progressing',
          asOf: '2025-12-31T23:59:30Z',
          ageMs: 60_000,
        },
      ],
      pods: [
        expect.objectContaining({ name: 'shop-a', version: { known: '1' }, state: 'ending' }),
        expect.objectContaining({ name: 'shop-b', version: { known: '2' }, state: 'running' }),
      ],
    })
  })

  test('that was made a moment ago has nothing yet', async () => {
    const { store, cluster } = await started()
    store.put('Deployment', {
      metadata: { name: 'shop' },
      spec: {
        paused: true,
        progressDeadlineSeconds: 2 ** 31 - 1,
        selector: { matchLabels: { app: 'shop' } },
        template: template('1'),
      },
    })
    const facts = await cluster.look(SHOP)
    expect(facts).toMatchObject({
      paused: true,
      desired: 1,
      replicas: 0,
      observedGeneration: 0,
      conditions: [],
    })
    expect(facts).not.toHaveProperty('progressDeadlineMs')
    expect(facts).not.toHaveProperty('terminating')
  })

  test('asks only for its pods', async () => {
    const { stub, store, cluster } = await started()
    putDeployment(store, '2')
    await cluster.look(SHOP)
    expect(stub.requests.map(({ path, query }) => [path.split('/').pop(), query.labelSelector])).toEqual([
      ['shop', undefined],
      ['pods', 'app=shop'],
    ])
  })

  test('that is not there fails, and is named', async () => {
    const { cluster } = await started()
    const error = await failureOf(() => cluster.look(SHOP))
    expect(error.code).toBe('cluster_refused')
    expect(error.message).toContain('get the Deployment "shop" in "shop": deployments "shop" not found')
  })
})

describe('a look at others', () => {
  const as = (kind: RolledWorkload['kind']): RolledWorkload => ({ ...SHOP, kind })

  test('a StatefulSet has revisions, and pods that only it controls', async () => {
    const { store, cluster } = await started()
    store.put('StatefulSet', {
      metadata: { name: 'shop', generation: 2 },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'shop' } },
        template: template('2'),
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
      },
      status: {
        observedGeneration: 2,
        updatedReplicas: 1,
        readyReplicas: 2,
        currentRevision: 'a',
        updateRevision: 'b',
      },
    })
    putPod(store, 'shop-0', '1', { owner: ['StatefulSet', 'shop'] })
    putPod(store, 'loose', '1')
    putPod(store, 'stranger', '1', { owner: ['ReplicaSet', 'shop-1'] })
    const facts = await cluster.look(as('StatefulSet'))
    expect(facts).toMatchObject({
      kind: 'StatefulSet',
      strategy: 'RollingUpdate',
      partition: 1,
      desired: 2,
      updated: 1,
      ready: 2,
      currentRevision: 'a',
      updateRevision: 'b',
      observedGeneration: 2,
    })
    expect(facts.pods.map(({ name }) => name)).toEqual(['loose', 'shop-0'])
  })

  test('a DaemonSet counts nodes', async () => {
    const { store, cluster } = await started()
    store.put('DaemonSet', {
      metadata: { name: 'shop' },
      spec: {
        selector: { matchLabels: { app: 'shop' } },
        template: template('2'),
        updateStrategy: { type: 'OnDelete' },
      },
      status: {
        observedGeneration: 1,
        desiredNumberScheduled: 4,
        updatedNumberScheduled: 3,
        numberAvailable: 2,
        numberUnavailable: 2,
      },
    })
    putPod(store, 'shop-x', '2', { owner: ['DaemonSet', 'shop'] })
    expect(await cluster.look(as('DaemonSet'))).toMatchObject({
      kind: 'DaemonSet',
      strategy: 'OnDelete',
      desired: 4,
      updated: 3,
      available: 2,
      unavailable: 2,
      pods: [{ name: 'shop-x' }],
    })
  })

  test.each(['StatefulSet', 'DaemonSet'] as const)(
    'a %s tells how long its pods may take to start, and to count then',
    async (kind) => {
      const { store, cluster } = await started()
      const [app] = template('2').spec?.containers ?? []
      const slow = {
        ...app!,
        startupProbe: { initialDelaySeconds: 5, failureThreshold: 60, periodSeconds: 20 },
      }
      const usual = { name: 'proxy', startupProbe: {} }
      store.put(kind, {
        metadata: { name: 'shop' },
        spec: {
          minReadySeconds: 10,
          selector: { matchLabels: { app: 'shop' } },
          template: { ...template('2'), spec: { containers: [slow, usual] } },
        },
      })
      expect(await cluster.look(as(kind))).toMatchObject({ slowStartMs: 1_215_000 })
    },
  )

  test.each(['StatefulSet', 'DaemonSet'] as const)(
    'a %s that was made a moment ago has nothing yet',
    async (kind) => {
      const { store, cluster } = await started()
      store.put(kind, {
        metadata: { name: 'shop' },
        spec: { selector: { matchLabels: { app: 'shop' } }, template: template('1') },
      })
      expect(await cluster.look(as(kind))).toMatchObject({
        kind,
        strategy: 'RollingUpdate',
        updated: 0,
        observedGeneration: 0,
      })
    },
  )

  test('a CronJob has Jobs, also by hand, and their pods', async () => {
    const { store, cluster } = await started()
    putCronJob(store, '2', { suspend: true })
    const complete = { conditions: [{ type: 'Complete', status: 'True' }] }
    putJob(store, 'nightly-1', '1', { of: 'nightly' })
    putJob(store, 'by-hand', '2', { of: 'nightly' })
    putJob(store, 'nightly-0', '1', { of: 'nightly', status: complete })
    putJob(store, 'nightly-other', '1')
    putPod(store, 'p1', '1', { owner: ['Job', 'nightly-1'] })
    putPod(store, 'p2', '2', { owner: ['Job', 'by-hand'] })
    putPod(store, 'p3', '1', { owner: ['Job', 'nightly-other'] })
    // Its Job was removed with what it kept; the pod has not ended yet.
    putPod(store, 'p4', '1', { owner: ['Job', 'nightly-27'], ending: true })
    putPod(store, 'p5', '1', { owner: ['Job', 'nightly-gone'] })
    putPod(store, 'p6', '1', { owner: ['Job', 'weekly-27'] })
    const facts = await cluster.look(NIGHTLY)
    expect(facts).toMatchObject({
      kind: 'CronJob',
      suspended: true,
      version: { known: '2' },
      jobs: [
        { name: 'by-hand', version: { known: '2' }, state: 'active' },
        { name: 'nightly-1', version: { known: '1' }, state: 'active' },
      ],
    })
    expect(facts.pods.map(({ name }) => name)).toEqual(['p1', 'p2', 'p4'])
  })
})

test('a pod of another Deployment with the same labels is not ours when that is known', async () => {
  const { store, cluster } = await started()
  putDeployment(store, '2')
  putPod(store, 'mine', '2', { owner: ['ReplicaSet', 'shop-2'] })
  putPod(store, 'of-a-job', '1', { owner: ['Job', 'check'] })
  store.put('ReplicaSet', {
    metadata: { name: 'theirs', ownerReferences: controlledBy('Deployment', 'blog') },
    spec: { replicas: 1, template: template('1') },
  })
  putPod(store, 'theirs-x', '1', { owner: ['ReplicaSet', 'theirs'], image: 'registry/blog:1' })
  const names = (await cluster.inventory()).pods.map(({ name }) => name)
  // The Job's pod runs our image, so it counts all the same.
  expect(names).toEqual(['mine', 'of-a-job'])
})
