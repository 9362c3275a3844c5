import type { Pod, StatefulSet } from '../../../src/adapters/kubernetes/objects.ts'
import { endPod, isEnding, isReady, makePod, ownedBy } from './moving-pods.ts'
import { REVISION_LABEL, type Revisions, revisionOf, revisionsOf } from './revisions.ts'
import type { Store } from './store.ts'

interface Knowledge {
  readonly revisions: Revisions
  current: string
}

/**
 * The controller of StatefulSets whose pods come in order. Source: Kubernetes, `updateStatefulSet` of
 * pkg/controller/statefulset/stateful_set_control.go: pods are made from the lowest number up, each when those below are ready;
 * ended from the highest down, first those that are too many, then those of an old revision. It waits for a pod that is not
 * ready before it looks at revisions, so one that never becomes ready holds it up, whatever its template says.
 */
export function statefulSetController(store: Store): (set: StatefulSet) => void {
  const known = new Map<string, Knowledge>()
  return (set) => {
    const { name } = set.metadata
    const knowledge = known.get(name) ?? { revisions: revisionsOf(name), current: '' }
    known.set(name, knowledge)
    const update = knowledge.revisions.nameFor(set.spec.template)
    if (knowledge.current === '') knowledge.current = update
    reconcile(store, set, knowledge, update)
    report(store, set, knowledge, update)
  }
}

function reconcile(store: Store, set: StatefulSet, { revisions, current }: Knowledge, update: string): void {
  const { replicas = 1, updateStrategy } = set.spec
  const { name } = set.metadata
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0
  const pods = new Map(ownedBy(store, 'StatefulSet', name).map((pod) => [ordinalOf(pod), pod]))
  const wanted = Array.from({ length: replicas }, (_, ordinal) => ordinal)
  for (const ordinal of wanted) {
    const pod = pods.get(ordinal)
    if (pod === undefined) {
      const revision = ordinal < partition ? current : update
      makePod(store, {
        name: `${name}-${ordinal}`,
        owner: ['StatefulSet', name],
        template: revisions.template(revision),
        labels: { [REVISION_LABEL]: revision },
      })
      return
    }
    if (isEnding(pod) || !isReady(pod)) return
  }
  const condemned = [...pods.keys()].filter((ordinal) => ordinal >= replicas).toSorted((a, b) => b - a)
  for (const ordinal of condemned) {
    const pod = pods.get(ordinal)!
    if (!isEnding(pod)) endPod(store, pod)
    return
  }
  if (updateStrategy?.type === 'OnDelete') return
  const old = wanted
    .toReversed()
    .filter((ordinal) => ordinal >= partition)
    .map((ordinal) => pods.get(ordinal)!)
    .find((pod) => revisionOf(pod) !== update)
  if (old !== undefined) endPod(store, old)
}

function report(store: Store, set: StatefulSet, knowledge: Knowledge, update: string): void {
  const { metadata, spec, status } = set
  const all = ownedBy(store, 'StatefulSet', metadata.name)
  const alive = all.filter((pod) => !isEnding(pod))
  const replicas = all.length
  const readyReplicas = all.filter(isReady).length
  const updatedReplicas = alive.filter((pod) => revisionOf(pod) === update).length
  const isRolling = spec.updateStrategy?.type !== 'OnDelete'
  if (isRolling && updatedReplicas === replicas && readyReplicas === replicas) knowledge.current = update
  const next = {
    observedGeneration: metadata.generation,
    replicas,
    readyReplicas,
    currentReplicas: alive.filter((pod) => revisionOf(pod) === knowledge.current).length,
    updatedReplicas,
    currentRevision: knowledge.current,
    updateRevision: update,
  }
  if (JSON.stringify({ ...status, ...next }) !== JSON.stringify(status))
    store.merge('StatefulSet', metadata.name, { status: next })
}

function ordinalOf({ metadata }: Pod): number {
  return Number(metadata.name.split('-').at(-1))
}
