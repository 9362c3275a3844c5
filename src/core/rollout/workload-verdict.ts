import { podTrouble, type TroubleRules } from './pod-trouble.ts'
import { isVersion, type SeenVersion, sameVersion, versionWords } from './seen-version.ts'
import { type ConditionFacts, podWords, type WorkloadFacts, workloadName } from './workload.ts'

export interface WorkloadRules extends TroubleRules {
  /** Without any progress for so long a roll has failed. A Deployment whose own deadline is later gets until then. */
  readonly progressMaxMs: number
}

/** What our own change of a template brought about: only what comes after it counts. */
export interface Ours {
  readonly version: SeenVersion
  /** Of the workload as our change returned it. */
  readonly generation: number
  /** Keys of the conditions that stood at that moment, see `conditionKey`. */
  readonly stale: readonly string[]
}

/**
 * `rolling`: not all pods are new and available · `draining`: all are, and old ones still end · `rolled`: and no old one is
 * left · `failed`: it will not become so · `overtaken`: somebody else changed the template after us.
 */
export interface WorkloadVerdict {
  readonly state: 'rolling' | 'draining' | 'rolled' | 'failed' | 'overtaken'
  readonly because: readonly string[]
}

/** How far is the roll that we began? Facts from before our change are never taken for facts about it. */
export function workloadVerdict(facts: WorkloadFacts, ours: Ours, rules: WorkloadRules): WorkloadVerdict {
  const name = workloadName(facts)
  if (!sameVersion(facts.version, ours.version)) {
    const now = `its template has ${versionWords(facts.version)} in generation ${facts.generation}`
    const was = `ours was ${versionWords(ours.version)} in generation ${ours.generation}`
    return { state: 'overtaken', because: [`somebody else changed the ${name}: ${now}, ${was}`] }
  }
  if (facts.observedGeneration < ours.generation)
    return {
      state: 'rolling',
      because: [`the controller of the ${name} has not looked at the last change yet`],
    }
  const failures = [...podFailures(facts, ours, rules), ...conditionFailures(facts, ours, rules)]
  if (failures.length > 0) return { state: 'failed', because: failures }
  const missing = whatIsMissing(facts, rules)
  if (missing.length > 0) return { state: 'rolling', because: missing.map((what) => `${name}: ${what}`) }
  const left = whatIsLeft(facts, ours)
  if (left.length > 0) return { state: 'draining', because: left }
  return { state: 'rolled', because: [`the ${name} has ${versionWords(ours.version)} everywhere`] }
}

/** Why a workload would not roll if its template were changed: better said before than after ten minutes. */
export function rollObstacle(facts: WorkloadFacts): string | undefined {
  switch (facts.kind) {
    case 'Deployment':
      return facts.paused ? `it is paused: kubectl rollout resume deployment ${facts.name}` : undefined
    case 'StatefulSet':
      if (facts.partition > 0)
        return `its partition ${facts.partition} keeps pods on the old template: set it to 0`
      return onDelete(facts.strategy)
    case 'DaemonSet':
      return onDelete(facts.strategy)
    case 'CronJob':
      return undefined
  }
}

/** Why workloads would not roll, for people. */
export function rollObstacles(workloads: readonly WorkloadFacts[]): readonly string[] {
  return workloads.flatMap((facts) => {
    const obstacle = rollObstacle(facts)
    return obstacle === undefined ? [] : [`the ${workloadName(facts)} would not roll: ${obstacle}`]
  })
}

/** What is waited for until somebody else has brought a version into a workload and no old pod is left; empty when it is so. */
export function whatIsAwaited(
  facts: WorkloadFacts,
  version: string,
  rules: WorkloadRules,
): readonly string[] {
  if (!isVersion(facts.version, version))
    return [`the template of the ${workloadName(facts)} has ${versionWords(facts.version)}`]
  // Whose change it was is not known: what its controller says of the newest generation is believed.
  const theirs = { version: facts.version, generation: facts.generation, stale: [] }
  const { state, because } = workloadVerdict(facts, theirs, rules)
  return state === 'rolled' ? [] : because
}

/** The same key as before: nobody has written the condition since. */
export function conditionKey({ type, status, reason, asOf }: ConditionFacts): string {
  return `${type}=${status} ${reason} ${asOf}`
}

function onDelete(strategy: string): string | undefined {
  if (strategy !== 'OnDelete') return undefined
  return 'its strategy OnDelete replaces a pod only when somebody deletes it: set it to RollingUpdate'
}

/** Pods of another version that are in trouble were so before, or are why we went back. */
function podFailures({ pods }: WorkloadFacts, { version }: Ours, rules: WorkloadRules): readonly string[] {
  return pods
    .filter((pod) => sameVersion(pod.version, version))
    .map((pod) => podTrouble(pod, rules))
    .filter((trouble) => trouble !== undefined)
}

/**
 * A controller that has seen our change may still show a condition from before it: it writes one anew only when something
 * moves. So a condition that nobody has written since our change is no word about it.
 */
function conditionFailures(facts: WorkloadFacts, { stale }: Ours, rules: WorkloadRules): readonly string[] {
  const name = workloadName(facts)
  return facts.conditions
    .filter((condition) => !stale.includes(conditionKey(condition)))
    .flatMap((condition) => {
      const { type, status, reason, message, ageMs } = condition
      if (type === 'Progressing' && status === 'False' && reason === 'ProgressDeadlineExceeded')
        return [`the ${name} has passed its progress deadline: ${message}`]
      if (type === 'ReplicaFailure' && status === 'True' && ageMs > rules.troubleMaxMs)
        return [`the ${name} cannot make pods: ${message}`]
      return []
    })
}

/** What the workload lacks to be complete. Source: Kubernetes documentation, `kubectl rollout status`. */
function whatIsMissing(facts: WorkloadFacts, rules: WorkloadRules): readonly string[] {
  const obstacle = rollObstacle(facts)
  return [
    ...(obstacle === undefined ? [] : [obstacle]),
    ...countsMissing(facts),
    ...(facts.kind === 'StatefulSet' ? heldUp(facts, rules) : []),
  ]
}

function countsMissing(facts: WorkloadFacts): readonly string[] {
  switch (facts.kind) {
    case 'Deployment': {
      const { desired, replicas, updated, available } = facts
      return [
        ...(updated < desired ? [`${updated} of ${desired} pods are updated`] : []),
        ...(replicas > updated ? [`old pods that have not ended: ${replicas - updated}`] : []),
        ...(available < desired ? [`${available} of ${desired} pods are available`] : []),
        ...(updated > desired ? [`${updated} pods are there, and ${desired} wanted`] : []),
      ]
    }
    case 'StatefulSet': {
      const { desired, updated, ready, currentRevision, updateRevision } = facts
      return [
        ...(ready < desired ? [`${ready} of ${desired} pods are ready`] : []),
        ...(currentRevision === updateRevision ? [] : [`${updated} of ${desired} pods are updated`]),
      ]
    }
    case 'DaemonSet': {
      const { desired, updated, available, unavailable } = facts
      return [
        ...(updated < desired ? [`${updated} of ${desired} pods are updated`] : []),
        ...(available < desired || unavailable > 0 ? [`${available} of ${desired} pods are available`] : []),
      ]
    }
    case 'CronJob':
      return []
  }
}

/** A StatefulSet waits for a pod that never becomes ready, also when its template is right again. One that ends goes by itself. */
function heldUp(facts: WorkloadFacts, { troubleMaxMs }: WorkloadRules): readonly string[] {
  return facts.pods
    .filter(({ state }) => state === 'pending' || state === 'running')
    .filter(
      ({ ready, waiting, notReadyMs }) => !ready && (waiting !== undefined || notReadyMs > troubleMaxMs),
    )
    .filter(({ version }) => !sameVersion(version, facts.version))
    .map((pod) => `${podWords(pod)} holds it up: kubectl delete pod ${pod.name}`)
}

/** "Complete" is said while old pods still end, for as long as their grace period: they use the database until they are gone. */
function whatIsLeft(facts: WorkloadFacts, ours: Ours): readonly string[] {
  const pods = facts.pods.filter(
    ({ state, version }) => state !== 'ended' && !sameVersion(version, ours.version),
  )
  const left = pods.map((pod) => `${podWords(pod)} is ${pod.state}`)
  if (facts.kind === 'CronJob') {
    const jobs = facts.jobs.filter(
      ({ version, state }) => state === 'active' && !sameVersion(version, ours.version),
    )
    return [
      ...left,
      ...jobs.map(({ name, version }) => `the Job "${name}" of ${versionWords(version)} is active`),
    ]
  }
  const counted = facts.kind === 'Deployment' ? (facts.terminating ?? 0) : 0
  return left.length === 0 && counted > 0
    ? [`the ${workloadName(facts)} has pods that are ending (${counted})`]
    : left
}
