import { expect, test } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.ts'
import { kubernetesCluster } from '../../../src/adapters/kubernetes/cluster.ts'
import { lazyCluster } from '../../../src/adapters/kubernetes/lazy-cluster.ts'
import { openAccess } from '../../../src/adapters/kubernetes/open-access.ts'
import { DEFAULT_ROLL_RULES } from '../../../src/config.ts'
import { oldGone } from '../../../src/core/rollout/inventory.ts'
import type { WorkloadEvent } from '../../../src/core/rollout/workload-event.ts'
import { rollWorkloads } from '../../../src/engine/roll-workloads.ts'
import { cleanUp } from '../../support/database.ts'
import { failureOf } from '../../support/kubernetes/client.ts'
import { putDeployment, SHOP } from '../../support/kubernetes/objects.ts'
import { RELEASE } from '../../support/kubernetes/roll.ts'
import { kubeconfigOf } from '../../support/kubernetes/shop-place.ts'
import { startKubernetesStub } from '../../support/kubernetes/stub.ts'
import { startWorld } from '../../support/kubernetes/world.ts'

test('a version is rolled over a real connection, woken by the watch, and the inventory tells the end of the old one', async () => {
  const stub = await startKubernetesStub()
  const env = { KUBECONFIG: await kubeconfigOf(stub) }
  const cluster = lazyCluster(async () =>
    kubernetesCluster(await openAccess(undefined, env), { workloads: [SHOP] }, systemClock),
  )
  cleanUp(async () => cluster.close())
  putDeployment(stub.store, '1')
  const world = startWorld(stub.store, { endSteps: 3 })
  const ticking = setInterval(() => world.step(), 20)
  cleanUp(async () => clearInterval(ticking))
  await expect.poll(() => stub.store.list('Pod').length).toBe(3)
  expect(oldGone(await cluster.inventory(), '2').state).toBe('left')
  const events: WorkloadEvent[] = []
  const verdicts: string[] = []
  const outcome = await rollWorkloads(
    {
      cluster,
      clock: systemClock,
      // Without the watch each look would wait so long that the test ends before.
      rules: { ...DEFAULT_ROLL_RULES, pollMinMs: 1, pollMaxMs: 100_000 },
      remember: async (event) => {
        events.push(event)
      },
      asked: async () => ({ wants: 'go' }),
      rolledForMs: async () => 0,
      checked: async () => undefined,
      tooOld: [],
      notify: (_facts, { state }) => verdicts.push(state),
      blind: () => undefined,
    },
    RELEASE,
    [SHOP],
    [],
  )
  expect(outcome.state).toBe('rolled')
  expect(verdicts.at(-1)).toBe('rolled')
  expect(events.map(({ type }) => type)).toEqual(['workload_saved', 'workload_changed', 'workload_rolled'])
  expect(oldGone(await cluster.inventory(), '2').state).toBe('gone')
  expect(stub.requests.every(({ authorization }) => authorization === 'Bearer t')).toBe(true)
})

test('a cluster that cannot be opened is said by the first call that needs it, and is unknown to the inventory', async () => {
  const env = { KUBECONFIG: '/there/is/none' }
  const cluster = lazyCluster(async () =>
    kubernetesCluster(await openAccess('main', env), { workloads: [SHOP] }, systemClock),
  )
  const error = await failureOf(() => cluster.look(SHOP))
  expect(error.code).toBe('config_invalid')
  expect(oldGone(await cluster.inventory(), '2')).toEqual({
    state: 'unknown',
    because: [expect.stringContaining('There is no kubeconfig at /there/is/none')],
  })
  cluster.close()
})
