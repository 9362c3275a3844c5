import { describe, expect, test } from 'vitest'
import type { Release } from '../../../src/core/rollout/release.ts'
import type { RolledWorkload } from '../../../src/core/rollout/workload.ts'
import { clusterOf, failureOf } from '../../support/kubernetes/client.ts'
import { NIGHTLY, putCronJob, putDeployment, SHOP, template } from '../../support/kubernetes/objects.ts'
import { type Received, type Stub, startKubernetesStub } from '../../support/kubernetes/stub.ts'

const RELEASE: Release = {
  rollout: 'r7',
  version: '2',
  cause: 'bellows: 0002_rename, version 2',
}
const isPatch = ({ method }: Received) => method === 'PATCH'

async function started(more: Parameters<typeof putDeployment>[2] = {}) {
  const stub = await startKubernetesStub()
  putDeployment(stub.store, '1', { isLabelled: false, ...more })
  const cluster = clusterOf(stub, [SHOP])
  const deployment = () => {
    const found = stub.store.get('Deployment', 'shop')
    if (found === undefined) throw new Error('it is there')
    return found
  }
  const patches = () => stub.requests.filter(isPatch).map(({ body }) => body)
  return { stub, store: stub.store, cluster, deployment, patches }
}

/** Somebody is a little quicker. */
function beforeNextPatch(stub: Stub, change: () => void): void {
  let isFirst = true
  stub.accept = (received) => {
    if (isPatch(received) && isFirst) {
      isFirst = false
      change()
    }
    return true
  }
}

describe('a template is saved', () => {
  test('word for word, with its version', async () => {
    const { cluster } = await started()
    expect(await cluster.template(SHOP)).toEqual({
      version: { known: '1' },
      template: template('1', { isLabelled: false }),
    })
  })

  test('unless the container is not in it, which a patch would add', async () => {
    const { cluster } = await started()
    const error = await failureOf(() => cluster.template({ ...SHOP, container: 'web' }))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toBe('The Deployment "shop" has no container "web".')
    expect(error.hint).toBe('It has: sidecar, app. Correct "container" in the config file.')
  })
})

describe('a version is applied', () => {
  test('to the image, the variables and the label of one container, and to nothing else', async () => {
    const { cluster, deployment, patches } = await started()
    const before = deployment()
    const saved = await cluster.template(SHOP)
    const changed = await cluster.apply(SHOP, RELEASE, saved)
    expect(changed).toEqual({ state: 'changed', generation: 2, stale: [] })
    const after = deployment()
    expect(after.metadata.annotations).toEqual({
      'bellows/rollout': 'r7',
      'kubernetes.io/change-cause': 'bellows: 0002_rename, version 2',
    })
    const old = template('1', { isLabelled: false })
    expect(after.spec.template).toEqual({
      metadata: { labels: { app: 'shop', 'bellows/version': '2' } },
      spec: {
        containers: [
          old.spec.containers[0],
          {
            name: 'app',
            image: 'registry/shop:2',
            env: [
              { name: 'PORT', value: '8080' },
              { name: 'BELLOWS_VERSION', value: '2' },
            ],
          },
        ],
      },
    })
    expect({ ...after.spec, template: null }).toEqual({ ...before.spec, template: null })
    expect(patches().join()).not.toContain('replicas')
  })

  test('to the template of the Jobs of a CronJob', async () => {
    const { stub, store } = await started()
    putCronJob(store, '1')
    const cluster = clusterOf(stub, [NIGHTLY])
    await cluster.apply(NIGHTLY, RELEASE, await cluster.template(NIGHTLY))
    const containers = store.get('CronJob', 'nightly')?.spec.jobTemplate.spec.template.spec?.containers
    expect(containers?.[1]).toMatchObject({
      image: 'registry/shop:2',
      env: [{ name: 'PORT' }, { name: 'BELLOWS_VERSION' }],
    })
  })

  test('once: who asks again hears of the same change', async () => {
    const { cluster, patches } = await started()
    const saved = await cluster.template(SHOP)
    const first = await cluster.apply(SHOP, RELEASE, saved)
    expect(await cluster.apply(SHOP, RELEASE, saved)).toEqual(first)
    expect(patches()).toHaveLength(1)
  })

  test('also when the answer to the change was lost', async () => {
    const { stub, cluster, patches } = await started()
    const saved = await cluster.template(SHOP)
    stub.script(isPatch, 'cut after')
    expect((await failureOf(() => cluster.apply(SHOP, RELEASE, saved))).code).toBe('cluster_unreachable')
    expect(await cluster.apply(SHOP, RELEASE, saved)).toMatchObject({ state: 'changed', generation: 2 })
    expect(patches()).toHaveLength(1)
  })

  test('whatever controllers write into the status meanwhile', async () => {
    const { stub, store, cluster } = await started()
    const saved = await cluster.template(SHOP)
    stub.script(isPatch, { status: 409 }, { status: 409 })
    store.merge('Deployment', 'shop', { status: { replicas: 4 } })
    expect((await cluster.apply(SHOP, RELEASE, saved)).state).toBe('changed')
  })

  test('not for ever, when each attempt conflicts', async () => {
    const { stub, cluster, patches } = await started()
    const saved = await cluster.template(SHOP)
    stub.script(isPatch, ...Array.from({ length: 20 }, () => ({ status: 409 })))
    expect((await failureOf(() => cluster.apply(SHOP, RELEASE, saved))).facts.status).toBe(409)
    expect(patches()).toHaveLength(10)
  })

  test('not over a template that somebody else changed since it was saved', async () => {
    const { store, cluster, patches } = await started()
    const saved = await cluster.template(SHOP)
    store.merge('Deployment', 'shop', { spec: { template: template('1', { secret: 'new' }) } })
    expect(await cluster.apply(SHOP, RELEASE, saved)).toEqual({ state: 'overtaken' })
    expect(patches()).toEqual([])
  })

  test('not when somebody changes it between our look and our change', async () => {
    const { stub, store, cluster, deployment } = await started()
    const saved = await cluster.template(SHOP)
    beforeNextPatch(stub, () => store.merge('Deployment', 'shop', { spec: { template: template('9') } }))
    expect(await cluster.apply(SHOP, RELEASE, saved)).toEqual({ state: 'overtaken' })
    expect(deployment().spec.template).toEqual(template('9'))
  })

  test('with what the conditions said at that moment: they tell of what was before', async () => {
    const { store, cluster } = await started()
    const exceeded = {
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      lastUpdateTime: '2026-01-01T00:00:00Z',
    }
    store.merge('Deployment', 'shop', { status: { conditions: [exceeded] } })
    expect(await cluster.apply(SHOP, RELEASE, await cluster.template(SHOP))).toEqual({
      state: 'changed',
      generation: 2,
      stale: ['Progressing=False ProgressDeadlineExceeded 2026-01-01T00:00:00Z'],
    })
  })

  test.each<[string, Release, RolledWorkload, string]>([
    ['a version that is no label', { ...RELEASE, version: '1+2' }, SHOP, 'The version "1+2" can be no label'],
    [
      'a workload without an image',
      RELEASE,
      { kind: 'Deployment', name: 'shop', container: 'app' },
      'Nobody says what the image of the Deployment "shop" is.',
    ],
  ])('not with %s', async (_what, release, workload, message) => {
    const { stub, cluster } = await started()
    const saved = await cluster.template(SHOP)
    const error = await failureOf(() => cluster.apply(workload, release, saved))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(message)
    expect(stub.requests.filter(isPatch)).toEqual([])
  })

  test('not without the right to, which is named', async () => {
    const { stub, cluster } = await started()
    const saved = await cluster.template(SHOP)
    stub.script(isPatch, { status: 403, message: 'deployments.apps "shop" is forbidden' })
    const error = await failureOf(() => cluster.apply(SHOP, RELEASE, saved))
    expect(error.message).toContain(
      'patch the Deployment "shop" in "shop": deployments.apps "shop" is forbidden',
    )
    expect(error.hint).toContain('Grant "patch" on "deployments"')
  })
})

describe('a template is put back', () => {
  async function applied() {
    const all = await started()
    const saved = await all.cluster.template(SHOP)
    await all.cluster.apply(SHOP, RELEASE, saved)
    return { ...all, saved }
  }

  test('word for word, whatever number of pods an autoscaler wants by now', async () => {
    const { store, cluster, deployment, patches, saved } = await applied()
    store.merge('Deployment', 'shop', { spec: { replicas: 9 } })
    expect(await cluster.restore(SHOP, RELEASE, saved)).toEqual({
      state: 'changed',
      generation: 3,
      stale: [],
    })
    expect(deployment().spec.template).toEqual(template('1', { isLabelled: false }))
    expect(deployment().spec.replicas).toBe(9)
    expect(deployment().metadata.annotations?.['kubernetes.io/change-cause']).toBe(
      'bellows: 0002_rename, version 2: taken back',
    )
    expect(patches().join()).not.toContain('replicas')
  })

  test('into a CronJob', async () => {
    const { stub, store } = await started()
    putCronJob(store, '1')
    const cluster = clusterOf(stub, [NIGHTLY])
    const saved = await cluster.template(NIGHTLY)
    await cluster.apply(NIGHTLY, RELEASE, saved)
    await cluster.restore(NIGHTLY, RELEASE, saved)
    expect(store.get('CronJob', 'nightly')?.spec.jobTemplate.spec.template).toEqual(template('1'))
  })

  test('once', async () => {
    const { cluster, patches, saved } = await applied()
    const first = await cluster.restore(SHOP, RELEASE, saved)
    expect(await cluster.restore(SHOP, RELEASE, saved)).toEqual(first)
    expect(patches()).toHaveLength(2)
  })

  test.each([
    ['changed the template', { spec: { template: template('9') } }],
    ['began another roll', { metadata: { annotations: { 'bellows/rollout': 'r8' } } }],
  ])('not when somebody else has %s', async (_what, change) => {
    const { store, cluster, patches, saved } = await applied()
    store.merge('Deployment', 'shop', change)
    expect(await cluster.restore(SHOP, RELEASE, saved)).toEqual({ state: 'overtaken' })
    expect(patches()).toHaveLength(1)
  })

  test('not when somebody changes it between our look and our change', async () => {
    const { stub, store, cluster, deployment, saved } = await applied()
    beforeNextPatch(stub, () => store.merge('Deployment', 'shop', { spec: { template: template('9') } }))
    expect(await cluster.restore(SHOP, RELEASE, saved)).toEqual({ state: 'overtaken' })
    expect(deployment().spec.template.metadata?.labels?.['bellows/version']).toBe('9')
  })
})
