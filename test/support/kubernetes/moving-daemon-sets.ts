import type { DaemonSet } from '../../../src/adapters/kubernetes/objects.ts'
import { endPod, isEnding, isReady, makePod, ownedBy } from './moving-pods.ts'
import { REVISION_LABEL, type Revisions, revisionOf, revisionsOf } from './revisions.ts'
import type { Store } from './store.ts'

/** One pod may be missing at a time: Kubernetes' own default. */
const UNAVAILABLE_MAX = 1

/**
 * The controller of DaemonSets: a pod on each node, and never two of which none ends. Source: Kubernetes, `rollingUpdate` of
 * pkg/controller/daemon/update.go: an old pod that is not available goes at once, one that is while no other is missing.
 */
export function daemonSetController(store: Store, nodes: () => readonly string[]): (set: DaemonSet) => void {
  const known = new Map<string, Revisions>()
  return (set) => {
    const { name } = set.metadata
    const revisions = known.get(name) ?? revisionsOf(name)
    known.set(name, revisions)
    const update = revisions.nameFor(set.spec.template)
    manage(store, set, nodes(), update)
    if (set.spec.updateStrategy?.type !== 'OnDelete') replace(store, set, nodes(), update)
    report(store, set, nodes(), update)
  }
}

/** A pod for every node that has none, and none where there is no node any more. */
function manage(store: Store, { metadata, spec }: DaemonSet, nodes: readonly string[], update: string): void {
  const { name } = metadata
  const pods = ownedBy(store, 'DaemonSet', name)
  for (const pod of pods) if (!nodes.includes(pod.spec.nodeName ?? '') && !isEnding(pod)) endPod(store, pod)
  for (const node of nodes) {
    if (pods.some((pod) => pod.spec.nodeName === node)) continue
    const labels = { [REVISION_LABEL]: update }
    const owner = ['DaemonSet', name] as const
    makePod(store, { name: `${name}-${store.version}`, owner, template: spec.template, node, labels })
  }
}

function replace(store: Store, { metadata }: DaemonSet, nodes: readonly string[], update: string): void {
  const pods = ownedBy(store, 'DaemonSet', metadata.name).filter(({ spec }) =>
    nodes.includes(spec.nodeName ?? ''),
  )
  const old = pods.filter((pod) => revisionOf(pod) !== update && !isEnding(pod))
  for (const pod of old) if (!isReady(pod)) endPod(store, pod)
  const available = pods.filter((pod) => isReady(pod) && !isEnding(pod)).length
  const spare = UNAVAILABLE_MAX - (nodes.length - available)
  for (const pod of old.filter(isReady).slice(0, Math.max(0, spare))) endPod(store, pod)
}

function report(store: Store, set: DaemonSet, nodes: readonly string[], update: string): void {
  const { metadata, status } = set
  const pods = ownedBy(store, 'DaemonSet', metadata.name)
  const first = nodes.flatMap((node) => pods.find(({ spec }) => spec.nodeName === node) ?? [])
  // One that was told to end and still answers counts.
  const numberAvailable = first.filter(isReady).length
  const next = {
    observedGeneration: metadata.generation,
    desiredNumberScheduled: nodes.length,
    currentNumberScheduled: first.length,
    updatedNumberScheduled: first.filter((pod) => revisionOf(pod) === update).length,
    numberAvailable,
    numberUnavailable: nodes.length - numberAvailable,
  }
  if (JSON.stringify({ ...status, ...next }) !== JSON.stringify(status))
    store.merge('DaemonSet', metadata.name, { status: next })
}
