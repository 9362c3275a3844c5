import { type SeenVersion, sameVersion } from './seen-version.ts'
import { type PodFacts, podWords, type WorkloadFacts } from './workload.ts'
import type { WorkloadRules } from './workload-verdict.ts'

/** What was seen last, since when it has been so, and when that was, in milliseconds by the clock of the cluster. */
export interface Standing {
  readonly seen: string
  readonly sinceMs: number
  readonly lookedAtMs: number
}

const DEADLINE_MARGIN_MS = 60_000

/**
 * Anything that moves is progress: a count, a pod that comes, goes, or becomes ready.
 * @param wasBlind could it not be seen since the look before? That time counts for nobody
 */
export function standing(before: Standing | undefined, facts: WorkloadFacts, wasBlind: boolean): Standing {
  const { atMs } = facts
  const pods = facts.pods.map(({ name, state, ready }) => `${name} ${state} ${ready}`).sort()
  const seen = [facts.generation, facts.observedGeneration, ...countsOf(facts), ...pods].join(', ')
  if (before?.seen !== seen) return { seen, sinceMs: atMs, lookedAtMs: atMs }
  const blindMs = wasBlind ? atMs - before.lookedAtMs : 0
  return { seen, sinceMs: before.sinceMs + blindMs, lookedAtMs: atMs }
}

export function stoodForMs({ sinceMs }: Standing, { atMs }: WorkloadFacts): number {
  return atMs - sinceMs
}

/** Whoever gives itself longer, or its pods, knows why. A Deployment says itself when that is over. */
export function progressMaxMs(facts: WorkloadFacts, rules: WorkloadRules): number {
  return Math.max(rules.progressMaxMs, ownMaxMs(facts) + DEADLINE_MARGIN_MS)
}

function ownMaxMs(facts: WorkloadFacts): number {
  switch (facts.kind) {
    case 'Deployment':
      return facts.progressDeadlineMs ?? 0
    case 'StatefulSet':
    case 'DaemonSet':
      return facts.slowStartMs ?? 0
    case 'CronJob':
      return 0
  }
}

/**
 * Old pods that end, and are waited for by their controller: it makes no other one in their place before they are gone. Where a new
 * one is there and does not become ready, that is why nothing moves.
 */
export function heldByEnding({ kind, pods }: WorkloadFacts, ours: SeenVersion): readonly string[] {
  if (kind !== 'StatefulSet' && kind !== 'DaemonSet') return []
  const isNew = ({ version }: PodFacts) => sameVersion(version, ours)
  const isComing = ({ state, ready }: PodFacts) => !ready && (state === 'running' || state === 'pending')
  if (pods.some((pod) => isNew(pod) && isComing(pod))) return []
  return pods
    .filter((pod) => pod.state === 'ending' && !isNew(pod))
    .map((pod) => `${podWords(pod)} is ${pod.state}`)
}

function countsOf(facts: WorkloadFacts): readonly (number | string)[] {
  switch (facts.kind) {
    case 'Deployment':
      return [facts.desired, facts.replicas, facts.updated, facts.available]
    case 'StatefulSet':
      return [facts.desired, facts.updated, facts.ready, facts.currentRevision]
    case 'DaemonSet':
      return [facts.desired, facts.updated, facts.available]
    case 'CronJob':
      return facts.jobs.map(({ name, state }) => `${name} ${state}`)
  }
}
