import type { ConditionFacts, RolledWorkload, WorkloadFacts } from '../../core/rollout/workload.ts'
import type { Client } from './client.ts'
import { isPodOf, jobsOf } from './members.ts'
import type { Condition, CronJob, DaemonSet, Deployment, Objects, StatefulSet } from './objects.ts'
import { podFacts, since } from './pods.ts'
import { selectorText } from './selector.ts'
import { templateOf, versionOf } from './template.ts'

/** What Kubernetes writes for "never". */
const NEVER_SECONDS = 2 ** 31 - 1

/** A workload and its pods. The workload is read first: what its counts tell of, the pods then show, or what came after it. */
export async function lookAt(client: Client, workload: RolledWorkload): Promise<WorkloadFacts> {
  const { value: object, atMs } = await client.get(workload.kind, workload.name)
  const jobs = workload.kind === 'CronJob' ? (await client.list('Job')).value : []
  const pods = (await client.list('Pod', podSelector(workload, object))).value
  const mine = pods.filter((pod) => isPodOf(workload, object, pod, { replicaSets: [], jobs }))
  const generation = object.metadata.generation ?? 0
  const common = {
    name: workload.name,
    atMs,
    version: versionOf(workload, templateOf(object)),
    generation,
    pods: mine.map((pod) => podFacts(pod, versionOf(workload, pod), atMs)),
  }
  switch (workload.kind) {
    case 'Deployment':
      return { ...common, ...deploymentFacts(object as Deployment, atMs) }
    case 'StatefulSet':
      return { ...common, ...statefulSetFacts(object as StatefulSet) }
    case 'DaemonSet':
      return { ...common, ...daemonSetFacts(object as DaemonSet) }
    case 'CronJob': {
      const { suspend = false } = (object as CronJob).spec
      const active = jobsOf(workload, jobs).filter(({ state }) => state !== 'ended')
      const nothing = { observedGeneration: generation, conditions: [] }
      return { ...common, ...nothing, kind: 'CronJob', suspended: suspend, jobs: active }
    }
  }
}

/** Conditions of an object that a roll is judged by: only a Deployment has some. */
export function conditionFacts(
  object: Objects[RolledWorkload['kind']],
  atMs: number,
): readonly ConditionFacts[] {
  const { status } = object as { readonly status?: { readonly conditions?: readonly Condition[] } }
  return (status?.conditions ?? []).map(({ type, status, reason, message, ...times }) => ({
    type,
    status,
    reason: reason ?? '',
    message: message ?? '',
    asOf: times.lastUpdateTime ?? times.lastTransitionTime ?? '',
    ageMs: since(times.lastTransitionTime, atMs) ?? 0,
  }))
}

/** Pods of a CronJob have no labels in common that could be relied on. */
function podSelector({ kind }: RolledWorkload, object: Objects[RolledWorkload['kind']]): string | undefined {
  return kind === 'CronJob' ? undefined : selectorText((object as Deployment).spec.selector)
}

type Own<K extends WorkloadFacts['kind']> = Omit<
  Extract<WorkloadFacts, { readonly kind: K }>,
  'name' | 'atMs' | 'version' | 'generation' | 'pods'
>

function deploymentFacts(object: Deployment, atMs: number): Own<'Deployment'> {
  const { spec, status = {} } = object
  const { progressDeadlineSeconds: deadline = NEVER_SECONDS } = spec
  const { terminatingReplicas } = status
  return {
    kind: 'Deployment',
    paused: spec.paused === true,
    ...(deadline === NEVER_SECONDS ? {} : { progressDeadlineMs: deadline * 1000 }),
    desired: spec.replicas ?? 1,
    replicas: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    ...(typeof terminatingReplicas === 'number' ? { terminating: terminatingReplicas } : {}),
    observedGeneration: status.observedGeneration ?? 0,
    conditions: conditionFacts(object, atMs),
  }
}

function statefulSetFacts({ spec, status = {} }: StatefulSet): Own<'StatefulSet'> {
  return {
    kind: 'StatefulSet',
    strategy: spec.updateStrategy?.type ?? 'RollingUpdate',
    partition: spec.updateStrategy?.rollingUpdate?.partition ?? 0,
    desired: spec.replicas ?? 1,
    updated: status.updatedReplicas ?? 0,
    ready: status.readyReplicas ?? 0,
    currentRevision: status.currentRevision ?? '',
    updateRevision: status.updateRevision ?? '',
    ...slowStart(spec),
    observedGeneration: status.observedGeneration ?? 0,
    conditions: [],
  }
}

function daemonSetFacts({ spec, status = {} }: DaemonSet): Own<'DaemonSet'> {
  return {
    kind: 'DaemonSet',
    strategy: spec.updateStrategy?.type ?? 'RollingUpdate',
    desired: status.desiredNumberScheduled ?? 0,
    updated: status.updatedNumberScheduled ?? 0,
    available: status.numberAvailable ?? 0,
    unavailable: status.numberUnavailable ?? 0,
    ...slowStart(spec),
    observedGeneration: status.observedGeneration ?? 0,
    conditions: [],
  }
}

/** What the start-up probes of its pods allow, and how long they are ready before they count. */
function slowStart({ minReadySeconds = 0, template }: StatefulSet['spec'] | DaemonSet['spec']) {
  const probes = (template.spec?.containers ?? []).flatMap(({ startupProbe }) => startupProbe ?? [])
  // Defaults of Kubernetes. Source: API reference, "Probe".
  const allowed = probes.map(
    ({ initialDelaySeconds = 0, failureThreshold = 3, periodSeconds = 10 }) =>
      initialDelaySeconds + failureThreshold * periodSeconds,
  )
  const seconds = minReadySeconds + Math.max(0, ...allowed)
  return seconds === 0 ? {} : { slowStartMs: seconds * 1000 }
}
