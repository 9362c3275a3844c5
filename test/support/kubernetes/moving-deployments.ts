import type { Deployment, Pod, ReplicaSet } from '../../../src/adapters/kubernetes/objects.ts'
import { endPod, isEnding, isReady, makePod } from './moving-pods.ts'
import { controlledBy } from './objects.ts'
import type { Store } from './store.ts'

interface Progress {
  moved: string
  movedAtMs: number
}

/**
 * The controller of Deployments: one pod more than wanted, none fewer; conditions written only when something moves.
 * @param countsEnding does this server count ending pods?
 */
export function deploymentController(store: Store, countsEnding: boolean): (deployment: Deployment) => void {
  const progress = new Map<string, Progress>()
  return (deployment) => {
    const { name } = deployment.metadata
    const state = progress.get(name) ?? { moved: '', movedAtMs: store.nowMs }
    progress.set(name, state)
    reconcile(store, deployment)
    report(store, deployment, state, countsEnding)
  }
}

/** One thing a step: a pod more, or one fewer. */
function reconcile(store: Store, { metadata, spec }: Deployment): void {
  const { replicas = 1, template } = spec
  const current = setFor(store, metadata.name, template)
  const alive = podsOf(store, metadata.name).filter((pod) => !isEnding(pod))
  const mine = alive.filter((pod) => isOf(pod, current))
  const old = alive.filter((pod) => !isOf(pod, current))
  const broken = old.find((pod) => !isReady(pod))
  const spare = alive.filter(isReady).length > replicas ? (old[0] ?? mine.at(-1)) : undefined
  const surplus = mine.length > replicas ? mine.at(-1) : undefined
  const leaving = broken ?? surplus ?? spare
  if (leaving !== undefined) endPod(store, leaving)
  else if (mine.length < replicas && alive.length <= replicas)
    makePod(store, {
      name: `${current.metadata.name}-${store.version}`,
      owner: ['ReplicaSet', current.metadata.name],
      template: current.spec.template,
    })
  for (const set of setsOf(store, metadata.name)) {
    const count = podsOf(store, metadata.name).filter((pod) => isOf(pod, set) && !isEnding(pod)).length
    if (set.status?.replicas !== count)
      store.merge('ReplicaSet', set.metadata.name, { spec: { replicas: count }, status: { replicas: count } })
  }
}

function report(store: Store, deployment: Deployment, state: Progress, countsEnding: boolean): void {
  const { metadata, spec, status } = deployment
  const current = setFor(store, metadata.name, spec.template)
  const all = podsOf(store, metadata.name)
  const alive = all.filter((pod) => !isEnding(pod))
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
