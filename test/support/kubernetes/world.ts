import type { Clock } from '../../../src/engine/ports.ts'
import { daemonSetController } from './moving-daemon-sets.ts'
import { deploymentController } from './moving-deployments.ts'
import { kubelet, type PodOptions } from './moving-pods.ts'
import { statefulSetController } from './moving-stateful-sets.ts'
import type { Store } from './store.ts'

export type { Fault } from './moving-pods.ts'

export interface WorldOptions extends PodOptions {
  /** Steps until a controller looks at a new generation. Until then it shows what was. */
  readonly lagSteps?: number
  /** Does this server count ending pods? */
  readonly countsEnding?: boolean
  /** The nodes that a DaemonSet has a pod on. */
  readonly nodes?: () => readonly string[]
  readonly stepMs?: number
  /** Called before each step, which count from 1. */
  readonly onStep?: (step: number) => void
}

interface Seen {
  steps: number
  generation: number
}

const NODES = ['node-1', 'node-2', 'node-3']

/** Workloads on a store, as their controllers and a kubelet move them. Each sleep is one step of it, and no other time passes. */
export function startWorld(store: Store, options: WorldOptions = {}): Clock & { step(): void } {
  const { lagSteps = 0, countsEnding = false, nodes = () => NODES, stepMs = 1_000, onStep } = options
  const movePods = kubelet(store, options)
  const controllers = {
    Deployment: deploymentController(store, countsEnding),
    StatefulSet: statefulSetController(store),
    DaemonSet: daemonSetController(store, nodes),
  }
  const seen = new Map<string, Seen>()
  let steps = 0

  /** Has the controller looked at this generation? */
  const isSeen = (workload: string, generation = 1): boolean => {
    const last = seen.get(workload)
    const isSame = last?.generation === generation
    const now = { generation, steps: isSame ? last.steps + 1 : 0 }
    seen.set(workload, now)
    return now.steps >= lagSteps
  }
  const moveAll = (kind: keyof typeof controllers) => {
    const controller = controllers[kind] as (object: never) => void
    for (const object of store.list(kind)) {
      const { name, generation } = object.metadata
      if (isSeen(`${kind} ${name}`, generation)) controller(object as never)
    }
  }
  const step = () => {
    steps += 1
    onStep?.(steps)
    store.nowMs += stepMs
    movePods()
    moveAll('Deployment')
    moveAll('StatefulSet')
    moveAll('DaemonSet')
  }
  return {
    step,
    sleep: async () => {
      step()
      await new Promise((resolve) => setImmediate(resolve))
    },
    passed: () => store.nowMs,
    random: () => 0.5,
  }
}
