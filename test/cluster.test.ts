import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import {
  type KubernetesDeploy,
  oldGone,
  openCluster,
  rollCluster,
  type WorkloadEvent,
  type WorkloadVerdict,
} from '../src/index.ts'
import { cleanUp } from './support/database.ts'
import { failureOf } from './support/kubernetes/client.ts'
import { putDeployment, SHOP } from './support/kubernetes/objects.ts'
import { startKubernetesStub } from './support/kubernetes/stub.ts'
import { startWorld } from './support/kubernetes/world.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const RELEASE = { rollout: 'r1', version: '2', cause: 'bellows: version 2' }

/** A cluster as somebody who imports the package meets it, and a world that moves by itself. */
async function opened(mode: KubernetesDeploy['mode']) {
  const stub = await startKubernetesStub()
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-cluster-'))
  cleanUp(() => rm(folder, { recursive: true }))
  const kubeconfig = path.join(folder, 'config')
  const content = {
    'current-context': 'test',
    clusters: [{ name: 'c', cluster: { server: stub.url } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  }
  await writeFile(kubeconfig, JSON.stringify(content))
  vi.stubEnv('KUBECONFIG', kubeconfig)
  const deploy: KubernetesDeploy = { mode, workloads: [SHOP, { ...SHOP, kind: 'Job', name: 'import' }] }
  const cluster = await openCluster(deploy)
  cleanUp(async () => cluster.close())
  putDeployment(stub.store, '1')
  const world = startWorld(stub.store, { endSteps: 3 })
  const ticking = setInterval(() => world.step(), 20)
  cleanUp(async () => clearInterval(ticking))
  return { stub, deploy, cluster }
}

test('a version is rolled over a real connection, woken by the watch, and the inventory tells the end of the old one', async () => {
  const { cluster, deploy, stub } = await opened('drive')
  await expect.poll(() => stub.store.list('Pod').length).toBe(3)
  expect(oldGone(await cluster.inventory(), '2').state).toBe('left')
  const past: WorkloadEvent[] = []
  const verdicts: WorkloadVerdict['state'][] = []
  const outcome = await rollCluster(cluster, deploy, RELEASE, {
    remember: async (event) => {
      past.push(event)
    },
    notify: (_facts, { state }) => verdicts.push(state),
    // Without the watch each look would wait so long that the test ends before.
    rules: { pollMinMs: 1, pollMaxMs: 100_000 },
  })
  expect(outcome.state).toBe('rolled')
  expect(verdicts.at(-1)).toBe('rolled')
  expect(past.map(({ type }) => type)).toEqual(['workload_saved', 'workload_changed', 'workload_rolled'])
  expect(oldGone(await cluster.inventory(), '2').state).toBe('gone')
  expect(await rollCluster(cluster, deploy, RELEASE, { past, remember: async () => undefined })).toEqual(
    outcome,
  )
  expect(stub.requests.every(({ authorization }) => authorization === 'Bearer t')).toBe(true)
})

test('in the mode observe nothing is ever changed', async () => {
  const { cluster, deploy, stub } = await opened('observe')
  const error = await failureOf(() =>
    rollCluster(cluster, deploy, RELEASE, { remember: async () => undefined }),
  )
  expect(error.code).toBe('config_invalid')
  expect(error.hint).toContain('bellows gate wait')
  expect(stub.requests).toEqual([])
})
