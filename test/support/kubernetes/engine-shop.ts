import { DEFAULT_ROLL_RULES, DEFAULT_ROLLOUT } from '../../../src/config.ts'
import { BellowsError } from '../../../src/core/errors.ts'
import type { Bellows } from '../../../src/engine/bellows.ts'
import type { Kubernetes } from '../../../src/engine/context.ts'
import type { RollRules } from '../../../src/engine/roller.ts'
import { cleanUp } from '../database.ts'
import { clusterOf } from './client.ts'
import { putDeployment, SHOP } from './objects.ts'
import { startKubernetesStub } from './stub.ts'
import { startWorld, type WorldOptions } from './world.ts'

export const WAIT_MS = 60_000
const SETTLING_STEPS = 12

/** One Deployment that moves many steps between two looks: every kind of moment comes, and few of them twice. */
export async function engineShop(options: WorldOptions = {}, changed: Partial<RollRules> = {}) {
  const stub = await startKubernetesStub()
  putDeployment(stub.store, '1')
  const world = startWorld(stub.store, options)
  for (let step = 0; step < SETTLING_STEPS; step += 1) world.step()
  const ticking = setInterval(() => world.step(), 1)
  cleanUp(async () => clearInterval(ticking))
  const rules = { ...DEFAULT_ROLL_RULES, pollMinMs: 100, pollMaxMs: 1, ...changed }
  const kubernetes: Kubernetes = {
    mode: 'drive',
    workloads: [SHOP],
    rules,
    checkRules: { ...DEFAULT_ROLLOUT, checkRetryMs: 1 },
    cluster: clusterOf(stub, [SHOP]),
  }
  return { kubernetes, store: stub.store, deployment: () => stub.store.get('Deployment', 'shop') }
}

/** The image of the application in the template of the moment. */
export function imageOf({ deployment }: Awaited<ReturnType<typeof engineShop>>): string | undefined {
  return deployment()?.spec.template.spec?.containers.at(-1)?.image
}

/** What becomes of a roll: `done`, or what its error says. */
export async function rolled(bellows: Bellows, run: number, version: string): Promise<string> {
  return await outcomeOf(
    bellows.change((driver) => driver.rollOutWorkloads(run, { version, waitMs: WAIT_MS })),
  )
}

export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    if (error instanceof BellowsError && error.code.startsWith('rollout_')) return error.message
    throw error
  }
}
