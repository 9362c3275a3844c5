import type { Deployment, Pod, ReplicaSet } from '../../../src/adapters/kubernetes/objects.ts'
import type { Clock } from '../../../src/engine/ports.ts'
import { controlledBy } from './objects.ts'
import type { Store } from './store.ts'

/** What is wrong with an image: its pods crash, cannot be pulled, or never become ready. */
export type Fault = 'crash' | 'image' | 'hang'

export interface WorldOptions {
  readonly fault?: (image: string) => Fault | undefined
  /** Steps from "told to end" to gone. */
  readonly endSteps?: number
  /** Steps until the controller looks at a new generation. Until then it shows what was. */
  readonly lagSteps?: number
  /** Does this server count ending pods? */
  readonly countsEnding?: boolean
  readonly stepMs?: number
  /** Called before each step, which count from 1. */
  readonly onStep?: (step: number) => void
}

interface Known {
  seenSteps: number
  generation: number
  moved: string
  movedAtMs: number
}

/**
 * Deployments on a store, as their controller and a kubelet move them: one pod more than wanted, none fewer; conditions written
 * only when something moves. Each sleep is one step of it, and no other time passes.
 */
export function startWorld(store: Store, options: WorldOptions = {}): Clock & { step(): void } {
  const { endSteps = 2, lagSteps = 0, countsEnding = false, stepMs = 1_000, onStep } = options
  const known = new Map<string, Known>()
  const ages = new Map<string, number>()
  let steps = 0

  const movePods = () => {
    for (const pod of store.list('Pod')) {
      const { name, deletionTimestamp } = pod.metadata
      const age = (ages.get(name) ?? 0) + 1
      ages.set(name, deletionTimestamp === undefined ? age : Math.max(age, 1_000) + 1)
      if (deletionTimestamp !== undefined) {
        if ((ages.get(name) ?? 0) - 1_000 > endSteps) store.remove('Pod', name)
      } else if (!isReady(pod))
        store.merge('Pod', name, { status: statusAfter(pod, age, options, store.nowMs) })
    }
  }
  const step = () => {
    steps += 1
    onStep?.(steps)
    store.nowMs += stepMs
    movePods()
    for (const deployment of store.list('Deployment')) {
      const { name, generation = 1 } = deployment.metadata
      const state = known.get(name) ?? { seenSteps: 0, generation, moved: '', movedAtMs: store.nowMs }
      known.set(name, state)
      state.seenSteps = state.generation === generation ? state.seenSteps + 1 : 0
      state.generation = generation
      if (state.seenSteps < lagSteps) continue
      reconcile(store, deployment)
      report(store, deployment, state, countsEnding)
    }
  }
  return {
    step,
    sleep: async () => {
      step()
      await new Promise((resolve) => setImmediate(resolve))
    },
    random: () => 0.5,
  }
}

function statusAfter(pod: Pod, age: number, { fault }: WorldOptions, nowMs: number): object {
  const image = pod.spec.containers.find(({ name }) => name === 'app')?.image ?? ''
  const wrong = fault?.(image)
  const conditions = [
    {
      type: 'Ready',
      status: wrong === undefined ? 'True' : 'False',
      lastTransitionTime: pod.metadata.creationTimestamp,
    },
  ]
  if (wrong === undefined || wrong === 'hang') {
    const time = new Date(nowMs).toISOString()
    return { phase: 'Running', conditions: conditions.map((one) => ({ ...one, lastTransitionTime: time })) }
  }
  const reason = wrong === 'image' ? 'ErrImagePull' : 'CrashLoopBackOff'
  const message = wrong === 'image' ? `"${image}": not found` : 'back-off restarting failed container'
  const lastState = wrong === 'crash' ? { terminated: { reason: 'Error', exitCode: 1 } } : {}
  const restartCount = wrong === 'crash' ? Math.floor(age / 3) : 0
  const container = { name: 'app', restartCount, state: { waiting: { reason, message } }, lastState }
  return { phase: wrong === 'image' ? 'Pending' : 'Running', conditions, containerStatuses: [container] }
}

/** One thing a step: a pod more, or one fewer. */
function reconcile(store: Store, { metadata, spec }: Deployment): void {
  const { replicas = 1, template } = spec
  const current = setFor(store, metadata.name, template)
  const alive = podsOf(store, metadata.name).filter((pod) => pod.metadata.deletionTimestamp === undefined)
  const mine = alive.filter((pod) => isOf(pod, current))
  const old = alive.filter((pod) => !isOf(pod, current))
  const broken = old.find((pod) => !isReady(pod))
  const spare = alive.filter(isReady).length > replicas ? (old[0] ?? mine.at(-1)) : undefined
  const surplus = mine.length > replicas ? mine.at(-1) : undefined
  const leaving = broken ?? surplus ?? spare
  if (leaving !== undefined) {
    const deletionTimestamp = new Date(store.nowMs).toISOString()
    store.merge('Pod', leaving.metadata.name, { metadata: { deletionTimestamp } })
  } else if (mine.length < replicas && alive.length <= replicas) makePod(store, current)
  for (const set of setsOf(store, metadata.name)) {
    const count = podsOf(store, metadata.name).filter(
      (pod) => isOf(pod, set) && pod.metadata.deletionTimestamp === undefined,
    ).length
    if (set.status?.replicas !== count)
      store.merge('ReplicaSet', set.metadata.name, { spec: { replicas: count }, status: { replicas: count } })
  }
}

function report(store: Store, deployment: Deployment, state: Known, countsEnding: boolean): void {
  const { metadata, spec, status } = deployment
  const current = setFor(store, metadata.name, spec.template)
  const all = podsOf(store, metadata.name)
  const alive = all.filter((pod) => pod.metadata.deletionTimestamp === undefined)
  const counts = {
    replicas: alive.length,
    updatedReplicas: alive.filter((pod) => isOf(pod, current)).length,
    availableReplicas: alive.filter(isReady).length,
  }
  const { replicas = 1, progressDeadlineSeconds = 600 } = spec
  const isComplete = Object.values(counts).every((count) => count === replicas)
  const moved = JSON.stringify(counts)
  const hasMoved = state.moved !== moved
  if (hasMoved) Object.assign(state, { moved, movedAtMs: store.nowMs })
  const before = status?.conditions?.find(({ type }) => type === 'Progressing')
  const isLate = store.nowMs - state.movedAtMs > progressDeadlineSeconds * 1_000
  const said = isComplete
    ? { status: 'True', reason: 'NewReplicaSetAvailable' }
    : hasMoved
      ? { status: 'True', reason: 'ReplicaSetUpdated' }
      : isLate
        ? { status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out progressing' }
        : undefined
  const time = new Date(store.nowMs).toISOString()
  const isSame = said === undefined || (before?.reason === said.reason && !hasMoved)
  const progressing = isSame
    ? before
    : { type: 'Progressing', ...said, lastUpdateTime: time, lastTransitionTime: time }
  const next = {
    ...counts,
    observedGeneration: metadata.generation,
    conditions: progressing === undefined ? [] : [progressing],
    ...(countsEnding ? { terminatingReplicas: all.length - alive.length } : {}),
  }
  // Each write makes somebody else's change conflict.
  if (JSON.stringify({ ...status, ...next }) !== JSON.stringify(status))
    store.merge('Deployment', metadata.name, { status: next })
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

function isOf(pod: Pod, set: ReplicaSet): boolean {
  return pod.metadata.ownerReferences?.[0]?.name === set.metadata.name
}

function podsOf(store: Store, deployment: string): readonly Pod[] {
  const sets = setsOf(store, deployment)
  return store.list('Pod').filter((pod) => sets.some((set) => isOf(pod, set)))
}

function setsOf(store: Store, deployment: string): readonly ReplicaSet[] {
  return store.list('ReplicaSet').filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === deployment)
}

function setFor(store: Store, deployment: string, template: Deployment['spec']['template']): ReplicaSet {
  const sets = setsOf(store, deployment)
  const found = sets.find(({ spec }) => JSON.stringify(spec.template) === JSON.stringify(template))
  return (
    found ??
    store.put('ReplicaSet', {
      metadata: {
        name: `${deployment}-${sets.length + 1}`,
        ownerReferences: controlledBy('Deployment', deployment),
      },
      spec: { replicas: 0, template },
    })
  )
}

function makePod(store: Store, set: ReplicaSet): void {
  store.put('Pod', {
    metadata: {
      name: `${set.metadata.name}-${store.version}`,
      labels: set.spec.template?.metadata?.labels ?? {},
      ownerReferences: controlledBy('ReplicaSet', set.metadata.name),
    },
    spec: { containers: set.spec.template?.spec?.containers ?? [], nodeName: 'node-1' },
    status: { phase: 'Pending' },
  })
}
