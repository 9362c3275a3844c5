import type { Inventory } from '../../../src/core/rollout/inventory.ts'
import type { ConditionFacts, PodFacts, WorkloadFacts } from '../../../src/core/rollout/workload.ts'
import type { WorkloadRules } from '../../../src/core/rollout/workload-verdict.ts'

/** Facts of workloads that stand well; a test states only what it is about. Version 1 is old, version 2 is ours. */

export const RULES: WorkloadRules = {
  troubleMaxMs: 30_000,
  unschedulableMaxMs: 300_000,
  restartsMax: 3,
  progressMaxMs: 600_000,
}

type Of<K extends WorkloadFacts['kind']> = Extract<WorkloadFacts, { readonly kind: K }>

const common = {
  name: 'shop',
  atMs: 1_000_000,
  version: { known: '2' },
  generation: 5,
  observedGeneration: 5,
  conditions: [],
  pods: [],
}

export function deployment(more: Partial<Of<'Deployment'>> = {}): Of<'Deployment'> {
  return {
    ...common,
    kind: 'Deployment',
    paused: false,
    progressDeadlineMs: 600_000,
    desired: 3,
    replicas: 3,
    updated: 3,
    available: 3,
    ...more,
  }
}

export function statefulSet(more: Partial<Of<'StatefulSet'>> = {}): Of<'StatefulSet'> {
  return {
    ...common,
    kind: 'StatefulSet',
    strategy: 'RollingUpdate',
    partition: 0,
    desired: 3,
    updated: 3,
    ready: 3,
    currentRevision: 'shop-b',
    updateRevision: 'shop-b',
    ...more,
  }
}

export function daemonSet(more: Partial<Of<'DaemonSet'>> = {}): Of<'DaemonSet'> {
  return {
    ...common,
    kind: 'DaemonSet',
    strategy: 'RollingUpdate',
    desired: 3,
    updated: 3,
    available: 3,
    unavailable: 0,
    ...more,
  }
}

export function cronJob(more: Partial<Of<'CronJob'>> = {}): Of<'CronJob'> {
  return { ...common, kind: 'CronJob', name: 'nightly', suspended: false, jobs: [], ...more }
}

export function pod(name: string, version: string, more: Partial<PodFacts> = {}): PodFacts {
  return {
    name,
    version: { known: version },
    state: 'running',
    ready: true,
    restarts: 0,
    ageMs: 60_000,
    notReadyMs: 0,
    ...more,
  }
}

export function condition(type: string, status: string, more: Partial<ConditionFacts> = {}): ConditionFacts {
  return { type, status, reason: '', message: '', asOf: '2026-01-01T00:10:00Z', ageMs: 60_000, ...more }
}

export function inventory(more: Partial<Inventory> = {}): Inventory {
  return {
    templates: [{ kind: 'Deployment', name: 'shop', version: { known: '2' }, suspended: false }],
    pods: [],
    revisions: [],
    jobs: [],
    sharing: [],
    unread: [],
    ...more,
  }
}
