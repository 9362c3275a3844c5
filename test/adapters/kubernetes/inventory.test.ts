import { describe, expect, test } from 'vitest'
import { oldGone } from '../../../src/core/rollout/inventory.ts'
import type { Workload } from '../../../src/core/rollout/workload.ts'
import { clusterOf } from '../../support/kubernetes/client.ts'
import {
  controlledBy,
  NIGHTLY,
  putCronJob,
  putDeployment,
  putJob,
  putPod,
  putReplicaSet,
  SHOP,
  template,
} from '../../support/kubernetes/objects.ts'
import { startKubernetesStub } from '../../support/kubernetes/stub.ts'

/** A shop that runs version 2 everywhere, and Jobs of it at night. */
async function started(workloads: readonly Workload[] = [SHOP, NIGHTLY]) {
  const stub = await startKubernetesStub()
  const { store } = stub
  putDeployment(store, '2', { secret: 'shop-db' })
  putReplicaSet(store, 'shop-2', '2', { replicas: 3 })
  putReplicaSet(store, 'shop-1', '1')
  for (const name of ['shop-2-a', 'shop-2-b', 'shop-2-c'])
    putPod(store, name, '2', { owner: ['ReplicaSet', 'shop-2'] })
  putCronJob(store, '2')
  const cluster = clusterOf(stub, workloads)
  const verdict = async () => oldGone(await cluster.inventory(), '2')
  return { stub, store, cluster, verdict }
}
const GONE = {
  state: 'gone',
  because: ['no pod, Job or template of another version than 2 is left'],
}

describe('the inventory', () => {
  test('of a namespace where only one version is left says that the other is gone', async () => {
    const { verdict } = await started()
    expect(await verdict()).toEqual(GONE)
  })

  test('is read from the templates down to the pods: what is made on the way is made from what was seen', async () => {
    const { stub, cluster } = await started()
    await cluster.inventory()
    expect(stub.requests.map(({ path }) => path.split('/').pop())).toEqual([
      'shop',
      'nightly',
      'replicasets',
      'jobs',
      'pods',
    ])
  })

  test('counts a pod that ends slowly, to the last one', async () => {
    const { store, verdict } = await started()
    putPod(store, 'shop-1-a', '1', { owner: ['ReplicaSet', 'shop-1'], ending: true })
    expect(await verdict()).toEqual({ state: 'left', because: ['the pod "shop-1-a" of version 1 is ending'] })
    store.remove('Pod', 'shop-1-a')
    expect(await verdict()).toEqual(GONE)
  })

  test('counts such a pod also when its ReplicaSet was removed already', async () => {
    const { store, verdict } = await started()
    putPod(store, 'shop-1-a', '1', { owner: ['ReplicaSet', 'shop-0'], ending: true, image: 'mirror/shop:1' })
    expect(await verdict()).toMatchObject({ state: 'left' })
  })

  test('counts pods that nobody controls any more', async () => {
    const { store, verdict } = await started()
    putPod(store, 'orphan', '1', { image: 'mirror/shop:1' })
    expect(await verdict()).toEqual({ state: 'left', because: ['the pod "orphan" of version 1 is running'] })
  })

  test('counts a pod of nobody that runs the image, such as a console', async () => {
    const { store, verdict } = await started()
    putPod(store, 'console', '1', { app: 'console', isLabelled: false })
    putPod(store, 'blog', '1', { app: 'blog', isLabelled: false, image: 'registry/blog:1' })
    expect(await verdict()).toEqual({ state: 'left', because: ['the pod "console" of version 1 is running'] })
  })

  test('believes neither a label nor an image that contradict each other', async () => {
    const { store, verdict } = await started()
    putPod(store, 'shop-2-d', '2', { owner: ['ReplicaSet', 'shop-2'], image: 'registry/shop:1' })
    expect(await verdict()).toEqual({
      state: 'unknown',
      because: ['nobody can tell the version of the pod "shop-2-d": its label says "2", its image "1"'],
    })
  })

  test('knows a version by the image where nobody set a label', async () => {
    const { store, verdict } = await started()
    putPod(store, 'shop-2-d', '2', { owner: ['ReplicaSet', 'shop-2'], isLabelled: false })
    expect(await verdict()).toEqual(GONE)
    putPod(store, 'shop-2-d', '1', { owner: ['ReplicaSet', 'shop-2'], isLabelled: false })
    expect(await verdict()).toMatchObject({ state: 'left' })
  })

  test('counts ReplicaSets that are to have pods, or whose pods end unseen', async () => {
    const { store, verdict } = await started()
    putReplicaSet(store, 'shop-1', '1', { replicas: 2 })
    putReplicaSet(store, 'shop-0', '0', { terminating: 1 })
    putReplicaSet(store, 'blog-1', '1', { replicas: 1, of: 'blog' })
    expect(await verdict()).toEqual({
      state: 'left',
      because: [
        'the ReplicaSet "shop-0" of version 0 has pods that are ending (1)',
        'the ReplicaSet "shop-1" of version 1 has pods (2)',
      ],
    })
  })

  test('counts Jobs until they have ended', async () => {
    const { store, verdict } = await started()
    putJob(store, 'nightly-1', '1', { of: 'nightly' })
    putPod(store, 'nightly-1-x', '1', { owner: ['Job', 'nightly-1'] })
    expect(await verdict()).toEqual({
      state: 'left',
      because: [
        'the pod "nightly-1-x" of version 1 is running',
        'the Job "nightly-1" of version 1 is active',
      ],
    })
    putJob(store, 'nightly-1', '1', {
      of: 'nightly',
      status: { conditions: [{ type: 'Failed', status: 'True' }] },
    })
    putPod(store, 'nightly-1-x', '1', { owner: ['Job', 'nightly-1'], phase: 'Failed' })
    expect(await verdict()).toEqual(GONE)
  })

  test.each([
    ['a suspended Job', { suspend: true, status: {} }, 'gone'],
    ['a Job that is being suspended and has pods', { suspend: true, status: { active: 1 } }, 'left'],
    ['a Job that has not begun', { status: {} }, 'left'],
    [
      'a Job that is about to fail',
      { status: { conditions: [{ type: 'FailureTarget', status: 'True' }] } },
      'left',
    ],
    ['a Job that is complete', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }, 'gone'],
  ])('of %s', async (_what, more, state) => {
    const { store, verdict } = await started()
    putJob(store, 'nightly-1', '1', { of: 'nightly', ...more })
    expect((await verdict()).state).toBe(state)
  })

  test('of a registered Job that is over and gone has nothing to say, of one that is active it has', async () => {
    const job: Workload = { ...SHOP, kind: 'Job', name: 'import' }
    const { store, verdict } = await started([SHOP, job])
    expect(await verdict()).toEqual(GONE)
    putJob(store, 'import', '1')
    putPod(store, 'import-x', '1', { owner: ['Job', 'import'], app: 'import' })
    expect(await verdict()).toEqual({
      state: 'left',
      because: ['the pod "import-x" of version 1 is running', 'the Job "import" of version 1 is active'],
    })
  })

  test('names a CronJob that would begin with the old version, unless it is suspended', async () => {
    const { store, verdict } = await started()
    putCronJob(store, '1')
    expect(await verdict()).toEqual({
      state: 'left',
      because: ['the CronJob "nightly" would start pods of version 1'],
    })
    putCronJob(store, '1', { suspend: true })
    expect((await verdict()).state).toBe('gone')
  })

  test('names a workload whose controller has not acted on its template', async () => {
    const { store, verdict } = await started()
    store.merge('Deployment', 'shop', { metadata: { generation: 2 } })
    expect((await verdict()).because).toEqual([
      'the Deployment "shop" has a change that its controller has not looked at yet',
    ])
  })

  const stateful: Workload = { ...SHOP, kind: 'StatefulSet', name: 'db' }
  test.each([
    ['RollingUpdate', 'the StatefulSet "db" is between the revisions db-a and db-b'],
    ['OnDelete', GONE.because[0]],
  ])('of a StatefulSet between two revisions, with the strategy %s', async (type, because) => {
    const { store, verdict } = await started([stateful])
    store.put('StatefulSet', {
      metadata: { name: 'db' },
      spec: { selector: { matchLabels: { app: 'db' } }, template: template('2'), updateStrategy: { type } },
      status: { observedGeneration: 1, currentRevision: 'db-a', updateRevision: 'db-b' },
    })
    expect((await verdict()).because).toEqual([because])
  })
})

describe('what could not be read', () => {
  test.each([
    ['the Deployment', 'deployments/shop', 'get the Deployment "shop"'],
    ['the CronJob', 'cronjobs/nightly', 'get the CronJob "nightly"'],
    ['the ReplicaSets', 'replicasets', 'list the replicasets'],
    ['the Jobs', 'jobs', 'list the jobs'],
    ['the pods', 'pods', 'list the pods'],
  ])('leaves it open whether the old version is gone: %s', async (_what, end, intent) => {
    const { stub, verdict } = await started()
    stub.script(({ path }) => path.endsWith(`/${end}`), { status: 403, message: 'forbidden' })
    const { state, because } = await verdict()
    expect(state).toBe('unknown')
    expect(because).toEqual([`The cluster refused to ${intent} in "shop": forbidden`])
  })

  test('does not hide what could be', async () => {
    const { stub, store, verdict } = await started()
    putPod(store, 'shop-1-a', '1', { owner: ['ReplicaSet', 'shop-1'] })
    stub.script(({ path }) => path.endsWith('/jobs'), { status: 403, message: 'forbidden' })
    expect(await verdict()).toEqual({
      state: 'left',
      because: [
        'the pod "shop-1-a" of version 1 is running',
        'The cluster refused to list the jobs in "shop": forbidden',
      ],
    })
  })

  test('is everything, when nobody answers', async () => {
    const cluster = clusterOf({ url: 'http://127.0.0.1:1' }, [SHOP])
    const { state, because } = oldGone(await cluster.inventory(), '2')
    expect(state).toBe('unknown')
    expect(because).toHaveLength(4)
  })

  test('is a workload that was misspelt', async () => {
    const { verdict } = await started([{ ...SHOP, name: 'shoop' }])
    expect(await verdict()).toMatchObject({
      because: expect.arrayContaining([expect.stringContaining('deployments "shoop" not found')]),
    })
  })
})

test('whoever is not registered and reads the same Secret is named, once, also when it does not run', async () => {
  const { store, cluster } = await started()
  putReplicaSet(store, 'admin-1', '9', { of: 'admin', secret: 'shop-db', app: 'admin' })
  putReplicaSet(store, 'admin-2', '9', { of: 'admin', secret: 'shop-db', app: 'admin', replicas: 1 })
  putReplicaSet(store, 'blog-1', '9', { of: 'blog', secret: 'blog-db', app: 'blog', replicas: 1 })
  putJob(store, 'report-1', '9', { of: 'report', secret: 'shop-db', status: {} })
  putJob(store, 'once', '9', { secret: 'shop-db', status: {} })
  putJob(store, 'nightly-1', '2', { of: 'nightly', secret: 'shop-db', status: {} })
  putPod(store, 'admin-2-x', '9', {
    owner: ['ReplicaSet', 'admin-2'],
    app: 'admin',
    secret: 'shop-db',
    image: 'a:9',
  })
  putPod(store, 'agent-x', '9', {
    owner: ['DaemonSet', 'agent'],
    app: 'agent',
    secret: 'shop-db',
    image: 'a:9',
  })
  putPod(store, 'psql', '9', { app: 'psql', secret: 'shop-db', image: 'postgres:16' })
  store.put('Pod', {
    metadata: { name: 'mounts', ownerReferences: controlledBy('StatefulSet', 'bi') },
    spec: {
      containers: [{ name: 'bi', envFrom: [{ secretRef: { name: 'shop-db' } }] }],
      volumes: [{ secret: { secretName: 'shop-db' } }, { secret: {} }],
    },
  })
  const { sharing } = await cluster.inventory()
  expect(sharing.map(({ kind, name, secret }) => `${kind} ${name} ${secret}`)).toEqual([
    'CronJob report shop-db',
    'DaemonSet agent shop-db',
    'Deployment admin shop-db',
    'Job once shop-db',
    'Pod psql shop-db',
    'StatefulSet bi shop-db',
  ])
})

test('1,000 pods are counted', async () => {
  const { store, verdict } = await started()
  for (let at = 0; at < 1_000; at += 1)
    putPod(store, `shop-2-${at}`, '2', { owner: ['ReplicaSet', 'shop-2'] })
  putPod(store, 'shop-2-zzz', '1', { owner: ['ReplicaSet', 'shop-1'] })
  expect(await verdict()).toEqual({
    state: 'left',
    because: ['the pod "shop-2-zzz" of version 1 is running'],
  })
})
