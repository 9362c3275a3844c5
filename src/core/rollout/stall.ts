import type { WorkloadFacts } from './workload.ts'
import type { WorkloadRules } from './workload-verdict.ts'

/** What was seen last, and since when it has been so, in milliseconds by the clock of the cluster. */
export interface Standing {
  readonly seen: string
  readonly sinceMs: number
}

const DEADLINE_MARGIN_MS = 60_000

/** Anything that moves is progress: a count, a pod that comes, goes, or becomes ready. */
export function standing(before: Standing | undefined, facts: WorkloadFacts): Standing {
  const pods = facts.pods.map(({ name, state, ready }) => `${name} ${state} ${ready}`).sort()
  const seen = [facts.generation, facts.observedGeneration, ...countsOf(facts), ...pods].join(', ')
  return before?.seen === seen ? before : { seen, sinceMs: facts.atMs }
}

export function stoodForMs({ sinceMs }: Standing, { atMs }: WorkloadFacts): number {
  return atMs - sinceMs
}

/** A Deployment that gives itself longer knows why, and says itself when that is over. */
export function progressMaxMs(facts: WorkloadFacts, rules: WorkloadRules): number {
  if (facts.kind !== 'Deployment') return rules.progressMaxMs
  return Math.max(rules.progressMaxMs, (facts.progressDeadlineMs ?? 0) + DEADLINE_MARGIN_MS)
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
