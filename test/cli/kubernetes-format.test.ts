import { describe, expect, test } from 'vitest'
import { configFormat } from '../../src/cli/config-format.ts'
import { configFrom } from '../../src/config.ts'

const shop = { kind: 'Deployment', name: 'shop', container: 'app', image: 'registry/shop:{version}' }
const parsed = (kubernetes: unknown) => configFormat.safeParse({ deploy: { kubernetes } })
const problem = (kubernetes: unknown) => {
  const [issue] = parsed(kubernetes).error?.issues ?? []
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
}

describe('deploy.kubernetes', () => {
  test('is in the config file, and nowhere else', () => {
    const kubernetes = { namespace: 'prod', context: 'main', mode: 'drive', workloads: [shop] } as const
    const { data } = parsed(kubernetes)
    expect(data?.deploy).toEqual({ kubernetes })
    const file = { database: 'postgres://db', deploy: { kubernetes } } as never
    expect(configFrom({ flags: {}, env: {}, file }).deploy).toEqual({ kubernetes })
    expect(configFrom({ flags: {}, env: {}, file: { database: 'postgres://db' } })).not.toHaveProperty(
      'deploy',
    )
  })

  test.each<[string, unknown]>([
    ['one workload to drive', { mode: 'drive', workloads: [shop] }],
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
