import { DEFAULT_ROLL_RULES } from '../../../src/config.ts'
import type { Release } from '../../../src/core/rollout/release.ts'
import type { TooOld } from '../../../src/core/rollout/way-back.ts'
import type { RolledWorkload } from '../../../src/core/rollout/workload.ts'
import type { WorkloadEvent } from '../../../src/core/rollout/workload-event.ts'
import { rollWorkloads } from '../../../src/engine/roll-workloads.ts'
import type { CheckTrouble, Rolled, RollRules, Wanted } from '../../../src/engine/roller.ts'
import { clusterOf, impatientClock } from './client.ts'
import { AGENT, LEDGER, putDeployment, putSet, SHOP } from './objects.ts'
import type { Store } from './store.ts'
import { type Stub, startKubernetesStub } from './stub.ts'
import { startWorld, type WorldOptions } from './world.ts'

export const RELEASE: Release = { rollout: 'r7', version: '2', cause: 'bellows: version 2' }
export const WORKER: RolledWorkload = { ...SHOP, name: 'worker' }

const SETTLING_STEPS = 12

/** The fault of version 2 alone. */
export const bad = (fault: 'crash' | 'image' | 'hang') => (image: string) =>
  image.endsWith(':2') ? fault : undefined

export interface RollMore {
  readonly rules?: Partial<RollRules>
  readonly past?: readonly WorkloadEvent[]
  readonly workloads?: readonly RolledWorkload[]
  readonly remember?: (event: WorkloadEvent) => Promise<void>
  readonly asked?: () => Wanted['wants']
  readonly checked?: () => CheckTrouble | undefined
  readonly tooOld?: readonly TooOld[]
}

/** A shop and a worker, of three pods each, that run version 1. Steps count from when they do. */
export async function shopAndWorker(options: WorldOptions = {}) {
  return await rolling([SHOP, WORKER], options, (store) => {
    putDeployment(store, '1', { isLabelled: false })
    putDeployment(store, '1', { name: 'worker', app: 'worker' })
  })
}

/** A StatefulSet and a DaemonSet, of three pods each, that run version 1. */
export async function ledgerAndAgent(options: WorldOptions = {}) {
  return await rolling([LEDGER, AGENT], options, (store) => {
    for (const set of [LEDGER, AGENT]) putSet(store, set, '1')
  })
}

async function rolling(all: readonly RolledWorkload[], options: WorldOptions, put: (store: Store) => void) {
  const stub = await startKubernetesStub()
  const { store } = stub
  put(store)
  const world = startWorld(store, { ...options, onStep: (step) => options.onStep?.(step - SETTLING_STEPS) })
  for (let step = 0; step < SETTLING_STEPS; step += 1) world.step()
  const seen: string[] = []
  const unseen: string[] = []
  const events: WorkloadEvent[] = []
  let rolledAtMs = store.nowMs
  const cluster = clusterOf(stub, all, impatientClock())
  const roll = (more: RollMore = {}): Promise<Rolled> =>
    rollWorkloads(
      {
        cluster,
        clock: world,
        rules: { ...DEFAULT_ROLL_RULES, ...more.rules },
        remember: async (event) => {
          if (event.type === 'workload_rolled') rolledAtMs = store.nowMs
          if (more.remember === undefined) events.push(event)
          else await more.remember(event)
        },
        asked: async () => ({ wants: more.asked?.() ?? 'go', because: 'aborted by a test' }),
        rolledForMs: async () => store.nowMs - rolledAtMs,
        checked: async () => more.checked?.(),
        tooOld: more.tooOld ?? [],
        notify: ({ name }, { state }) => {
          if (seen.at(-1) !== `${name} ${state}`) seen.push(`${name} ${state}`)
        },
        blind: (because) => unseen.push(because),
      },
      RELEASE,
      more.workloads ?? all.slice(0, 1),
      more.past ?? [],
    )
  /** How many pods there are of each version, ending ones included. */
  const pods = (app = 'shop') => {
    const counts: Record<string, number> = {}
    for (const { metadata, spec } of store.list('Pod')) {
      if (metadata.labels?.app !== app) continue
      const version = spec.containers.find(({ name }) => name === 'app')?.image?.split(':')[1] ?? ''
      counts[version] = (counts[version] ?? 0) + 1
    }
    return counts
  }
  return { stub, store, world, seen, unseen, events, roll, pods, kinds: () => events.map(({ type }) => type) }
}

/** Bodies of all changes that were asked for. */
export function bodies(stub: Stub): readonly string[] {
  return stub.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body)
}
