import type { SeenVersion } from '../../core/rollout/seen-version.ts'
import type { PodFacts } from '../../core/rollout/workload.ts'
import type { ContainerStatus, Pod } from './objects.ts'

/** What every container waits for at first. */
const USUAL: readonly string[] = ['ContainerCreating', 'PodInitializing']

/** @param atMs when the pod was read, by the clock of the server */
export function podFacts(pod: Pod, version: SeenVersion, atMs: number): PodFacts {
  const { metadata, spec, status } = pod
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const ageMs = since(metadata.creationTimestamp, atMs) ?? 0
  const readiness = status?.conditions?.find(({ type }) => type === 'Ready')
  const ready = readiness?.status === 'True'
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const waiting = waitingIn(containers)
  const lastEnd = lastEndIn(containers)
  return {
    name: metadata.name,
    version,
    state: stateOf(pod),
    ...(spec.nodeName === undefined ? {} : { node: spec.nodeName }),
    ...(metadata.creationTimestamp === undefined ? {} : { since: metadata.creationTimestamp }),
    ready,
    restarts: containers.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    ageMs,
    notReadyMs: ready ? 0 : (since(readiness?.lastTransitionTime, atMs) ?? ageMs),
    ...(waiting === undefined ? {} : { waiting }),
    ...(scheduled?.reason === 'Unschedulable' ? { unschedulable: scheduled.message ?? '' } : {}),
    ...(lastEnd === undefined ? {} : { lastEnd }),
  }
}

/** How long ago something was; undefined when nobody says when. */
export function since(time: string | null | undefined, atMs: number): number | undefined {
  const ms = Date.parse(time ?? '')
  return Number.isNaN(ms) ? undefined : Math.max(0, atMs - ms)
}

/** A phase is a word of the kubelet: only when all containers have ended is a pod no client any more. */
function stateOf({ metadata, status }: Pod): PodFacts['state'] {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return 'ended'
  if (metadata.deletionTimestamp !== undefined) return 'ending'
  return status?.phase === 'Running' || status?.phase === 'Unknown' ? 'running' : 'pending'
}

function waitingIn(containers: readonly ContainerStatus[]): PodFacts['waiting'] {
  for (const { name, state } of containers) {
    const { reason = '', message = '' } = state?.waiting ?? {}
    if (reason !== '' && !USUAL.includes(reason)) return { container: name, reason, message }
  }
  return undefined
}

function lastEndIn(containers: readonly ContainerStatus[]): string | undefined {
  const ended = containers.find(({ lastState }) => lastState?.terminated !== undefined)?.lastState?.terminated
  return ended === undefined
    ? undefined
    : `${ended.reason ?? 'Ended'}, exit code ${ended.exitCode ?? 'unknown'}`
}
