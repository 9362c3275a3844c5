import { describe, expect, test } from 'vitest'
import { configFormat } from '../../src/cli/config-format.ts'
import { deploymentFrom } from '../../src/cli/deployment.ts'
import type { KubernetesDeploy } from '../../src/index.ts'

const shop = { kind: 'Deployment', name: 'shop', container: 'app', image: 'registry/shop:{version}' }
const parsed = (kubernetes: unknown) => configFormat.safeParse({ deploy: { kubernetes } })
const problem = (kubernetes: unknown) => {
  const [issue] = parsed(kubernetes).error?.issues ?? []
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
}

describe('deploy.kubernetes', () => {
  test('says how the application is deployed, alone and without rules for instances', async () => {
    const kubernetes = { namespace: 'prod', context: 'main', mode: 'drive', workloads: [shop] } as const
    expect(parsed(kubernetes).data?.deploy).toEqual({ kubernetes })
    const section = { kubernetes: kubernetes as KubernetesDeploy }
    expect(await deploymentFrom(section, '/')).toEqual({ by: 'workloads', kubernetes })
    const command = { roles: {}, start: 'a', stop: 'b', fleet: 'c' }
    await expect(deploymentFrom({ ...section, command }, '/')).rejects.toThrow(
      'names 2 deployers: "command" and "kubernetes"',
    )
    await expect(deploymentFrom({ ...section, rollout: { batch: 2 } }, '/')).rejects.toThrow(
      'of no use with Kubernetes',
    )
  })

  test.each<[string, unknown]>([
    ['one workload to drive', { mode: 'drive', workloads: [shop] }],
    ['a check', { mode: 'drive', workloads: [shop], checks: [{ name: 'errors', http: 'http://x/errors' }] }],
    [
      'what happens when one fails, and how long what is rolled is watched',
      { mode: 'drive', workloads: [shop], onFailure: 'pause', pauseBetweenMs: 60_000, bakeMs: 300_000 },
    ],
    [
      'every kind',
      {
        mode: 'drive',
        workloads: ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'].map((kind) => ({ ...shop, kind })),
      },
    ],
    [
      'a Job, which is never changed',
      { mode: 'drive', workloads: [shop, { kind: 'Job', name: 'import', container: 'app' }] },
    ],
    [
      'one workload to observe, whose images may be called anything',
      { mode: 'observe', workloads: [{ kind: 'Deployment', name: 'shop', container: 'app' }] },
    ],
  ])('takes %s', (_what, kubernetes) => {
    expect(parsed(kubernetes).success).toBe(true)
  })

  test.each<[string, unknown, string]>([
    ['no mode', { workloads: [shop] }, 'deploy.kubernetes.mode: '],
    ['another mode', { mode: 'watch', workloads: [shop] }, 'deploy.kubernetes.mode: '],
    [
      'Jobs alone',
      { mode: 'observe', workloads: [{ kind: 'Job', name: 'import', container: 'app' }] },
      'deploy.kubernetes.workloads: name at least one that is no Job',
    ],
    [
      'checks where nothing is rolled',
      { mode: 'observe', workloads: [shop], checks: [{ name: 'errors', sql: 'select true' }] },
      'deploy.kubernetes.checks: it is of use in the mode drive alone',
    ],
    [
      'a time to watch where nothing is rolled',
      { mode: 'observe', workloads: [shop], bakeMs: 1 },
      'deploy.kubernetes.bakeMs: it is of use in the mode drive alone',
    ],
    [
      'to go on without a workload',
      { mode: 'drive', workloads: [shop], onFailure: 'continue' },
      'deploy.kubernetes.onFailure: ',
    ],
    ['no workload', { mode: 'drive', workloads: [] }, 'deploy.kubernetes.workloads: '],
    [
      'a kind that it cannot tell',
      { mode: 'drive', workloads: [{ ...shop, kind: 'Rollout' }] },
      'workloads.0.kind: ',
    ],
    ['no container', { mode: 'drive', workloads: [{ ...shop, container: '' }] }, 'workloads.0.container: '],
    [
      'an image without a place for the version',
      { mode: 'drive', workloads: [{ ...shop, image: 'registry/shop:1' }] },
      'workloads.0.image: "registry/shop:1" has not exactly one {version} in it',
    ],
    [
      'nothing to bring in',
      { mode: 'drive', workloads: [{ kind: 'Deployment', name: 'shop', container: 'app' }] },
      'workloads.0: image is needed in the mode drive',
    ],
    [
      'a workload twice',
      { mode: 'drive', workloads: [shop, shop] },
      'workloads.1: the Deployment "shop" is there twice',
    ],
    [
      'a word that it does not know',
      { mode: 'drive', workloads: [shop], replicas: 3 },
      'deploy.kubernetes: ',
    ],
  ])('refuses %s, and says where', (_what, kubernetes, where) => {
    expect(problem(kubernetes)).toContain(where)
  })
})
