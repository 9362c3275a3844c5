import { isVersion, type SeenVersion, versionWords } from './seen-version.ts'
import { type JobFacts, type PodFacts, type WorkloadKind, workloadName } from './workload.ts'

/** Everything in a namespace that runs the application, or would start it, of any version. */
export interface Inventory {
  readonly templates: readonly TemplateFacts[]
  /** Also such as belong to no registered workload and run its image. */
  readonly pods: readonly PodFacts[]
  /** Older templates of Deployments that are kept to go back to. */
  readonly revisions: readonly RevisionFacts[]
  readonly jobs: readonly JobFacts[]
  /** Others in the namespace that use a Secret of a registered workload: perhaps its database's. */
  readonly sharing: readonly { readonly kind: string; readonly name: string; readonly secret: string }[]
  /** What could not be read, and why. */
  readonly unread: readonly string[]
}

/** What a registered workload would start its next pod from. */
export interface TemplateFacts {
  readonly kind: WorkloadKind
  readonly name: string
  readonly version: SeenVersion
  /** Starts nothing before somebody says so. */
  readonly suspended: boolean
  /** Why its controller may still start a pod of an older template. */
  readonly unsettled?: string
}

export interface RevisionFacts {
  /** Of the ReplicaSet. */
  readonly name: string
  readonly version: SeenVersion
  /** Pods that it has or is to have. */
  readonly replicas: number
  /** Pods of it that are ending, where the server counts them. */
  readonly terminating: number
}

/** Is every other version gone? What could not be seen makes it `unknown`, which is never `gone`. */
export interface OldVerdict {
  readonly state: 'gone' | 'left' | 'unknown'
  readonly because: readonly string[]
}

/** Something of another version, or something that would bring it back. */
export interface LeftOver {
  /** For people: `the pod "shop-5d-x"`. */
  readonly who: string
  readonly because: string
  /** Absent of what is left whatever its version. */
  readonly version?: string
  /** Of a pod: the node that it runs on. */
  readonly host?: string
  /** Of a pod: when it was made. */
  readonly firstSeen?: string
  /** What to do about it. */
  readonly fix: string
}

/** @param version the one that may stay: pods of every other one still need the old shape, or may need it */
export function oldGone(inventory: Inventory, version: string): OldVerdict {
  const unclear = [...inventory.unread, ...uncertainties(inventory)]
  const left = leftOvers(inventory, version).map(({ because }) => because)
  if (left.length > 0) return { state: 'left', because: [...left, ...unclear] }
  if (unclear.length > 0) return { state: 'unknown', because: unclear }
  if (inventory.templates.length === 0)
    return { state: 'unknown', because: ['no workload is registered, so nobody knows what runs'] }
  const asleep = inventory.templates
    .filter((one) => one.suspended && !isVersion(one.version, version))
    .map((one) => `the ${workloadName(one)} of ${versionWords(one.version)} is suspended`)
  return {
    state: 'gone',
    because: [...asleep, `no pod, Job or template of another version than ${version} is left`],
  }
}

/** What may be a client of the database and is not registered: no proof, so it does not close a gate. */
export function inventoryWarnings({ sharing }: Inventory): readonly string[] {
  return sharing.map(
    ({ kind, name, secret }) =>
      `the ${kind} "${name}" is not registered and uses the Secret "${secret}", as a registered workload does`,
  )
}

export function leftOvers(
  { templates, pods, revisions, jobs }: Inventory,
  version: string,
): readonly LeftOver[] {
  const isOld = (one: { readonly version: SeenVersion }) =>
    'known' in one.version && !isVersion(one.version, version)
  return [
    ...templates
      .filter(startsPods)
      .flatMap((one) => [
        ...(isOld(one) ? [oldTemplate(one, version)] : []),
        ...(one.unsettled === undefined ? [] : [unsettledTemplate(one, one.unsettled)]),
      ]),
    ...pods.filter((pod) => isOld(pod) && pod.state !== 'ended').map(oldPod),
    ...revisions
      .filter((one) => isOld(one) && one.replicas + one.terminating > 0)
      .map((one) => oldRevision(one, version)),
    ...jobs.filter((job) => isOld(job) && job.state === 'active').map(oldJob),
  ]
}

function oldTemplate(one: TemplateFacts, version: string): LeftOver {
  const who = `the ${workloadName(one)}`
  const because = `${who} would start pods of ${versionWords(one.version)}`
  const fix = `bring version ${version} into it: bellows deploy rollout --to ${version}`
  return { who, because, ...ofVersion(one), fix }
}

function unsettledTemplate(one: TemplateFacts, unsettled: string): LeftOver {
  const who = `the ${workloadName(one)}`
  return {
    who,
    because: `${who} ${unsettled}`,
    fix: `wait for its controller: kubectl ${SETTLES[one.kind]}/${one.name}`,
  }
}

const SETTLES: Readonly<Record<WorkloadKind, string>> = {
  Deployment: 'rollout status deployment',
  StatefulSet: 'rollout status statefulset',
  DaemonSet: 'rollout status daemonset',
  CronJob: 'get cronjob',
  Job: 'get job',
}

function oldPod(pod: PodFacts): LeftOver {
  const { name, version, state, node, since } = pod
  const who = `the pod "${name}"`
  return {
    who,
    because: `${who} of ${versionWords(version)} is ${state}`,
    ...ofVersion(pod),
    ...(node === undefined ? {} : { host: node }),
    ...(since === undefined ? {} : { firstSeen: since }),
    fix:
      state === 'ending'
        ? `wait until it has ended: kubectl wait --for=delete pod/${name} --timeout=10m`
        : `bring the new version into its workload; of none: kubectl delete pod ${name}`,
  }
}

function oldRevision(revision: RevisionFacts, to: string): LeftOver {
  const { name, version, replicas, terminating } = revision
  const who = `the ReplicaSet "${name}"`
  const of = `${who} of ${versionWords(version)}`
  return replicas > 0
    ? {
        who,
        because: `${of} has pods (${replicas})`,
        ...ofVersion(revision),
        fix: `bring version ${to} into its Deployment: bellows deploy rollout --to ${to}`,
      }
    : {
        who,
        because: `${of} has pods that are ending (${terminating})`,
        ...ofVersion(revision),
        fix: 'wait until they have ended: bellows gate wait',
      }
}

function oldJob(job: JobFacts): LeftOver {
  const who = `the Job "${job.name}"`
  const because = `${who} of ${versionWords(job.version)} is active`
  const fix = `wait until it has ended, or end it: kubectl delete job ${job.name}`
  return { who, because, ...ofVersion(job), fix }
}

function ofVersion({ version }: { readonly version: SeenVersion }): Pick<LeftOver, 'version'> {
  return 'known' in version ? { version: version.known } : {}
}

function uncertainties({ templates, pods, revisions, jobs }: Inventory): readonly string[] {
  const named = [
    ...templates.filter(startsPods).map((one) => ({ what: `the ${workloadName(one)}`, ...one })),
    ...pods
      .filter(({ state }) => state !== 'ended')
      .map((one) => ({ what: `the pod "${one.name}"`, ...one })),
    ...revisions
      .filter((one) => one.replicas + one.terminating > 0)
      .map((one) => ({ what: `the ReplicaSet "${one.name}"`, ...one })),
    ...jobs
      .filter(({ state }) => state === 'active')
      .map((one) => ({ what: `the Job "${one.name}"`, ...one })),
  ]
  return named.flatMap(({ what, version }) =>
    'unclear' in version ? [`nobody can tell the version of ${what}: ${version.unclear}`] : [],
  )
}

/** A Job that is there has started all that it ever will: the Job itself is counted. */
function startsPods({ kind, suspended }: TemplateFacts): boolean {
  return kind !== 'Job' && !suspended
}
