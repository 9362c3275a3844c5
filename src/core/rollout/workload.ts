import type { Check, RolloutRules } from './rules.ts'
import { type SeenVersion, versionWords } from './seen-version.ts'

/** How the application is deployed to Kubernetes, and whether Bellows changes its workloads or only watches them. */
export interface KubernetesDeploy {
  /** Default: that of the context, or of the pod. */
  readonly namespace?: string
  /** Default: the current one. */
  readonly context?: string
  readonly mode: 'drive' | 'observe'
  readonly workloads: readonly Workload[]
  /** Asked behind each workload, in the mode `drive`. */
  readonly checks?: readonly Check[]
  /** What happens when a workload fails, in the mode `drive`; default: `rollback`. */
  readonly onFailure?: WorkloadFailure
  /** How long the workloads that are rolled are watched before the next one, in the mode `drive`. */
  readonly pauseBetweenMs?: number
  /** How long all of them are watched at the end, in the mode `drive`. */
  readonly bakeMs?: number
}

/** A roll is not complete without one of its workloads, so it cannot go on without it. */
export type WorkloadFailure = Exclude<RolloutRules['onFailure'], 'continue'>

/** A workload in which the application runs, by its name in the namespace. */
export interface Workload {
  readonly kind: WorkloadKind
  readonly name: string
  /** The container that is the application, among sidecars. */
  readonly container: string
  /** `registry/shop:{version}`. Needed to drive; without it the tag of the image, or the label, is the version. */
  readonly image?: string
}

/** A Job cannot be changed, so it is never rolled: it counts until it has ended. */
export type WorkloadKind = RolledKind | 'Job'
export type RolledKind = 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'CronJob'
export type RolledWorkload = Workload & { readonly kind: RolledKind }

export function isRolled(workload: Workload): workload is RolledWorkload {
  return workload.kind !== 'Job'
}

/** `Deployment "shop"`: for people, and unique in a namespace. */
export function workloadName({ kind, name }: Pick<Workload, 'kind' | 'name'>): string {
  return `${kind} "${name}"`
}

export function podWords({ name, version }: Pick<PodFacts, 'name' | 'version'>): string {
  return `the pod "${name}" of ${versionWords(version)}`
}

/** A workload as it stands at one moment, and its pods. Counts are those that its controller reports. */
export type WorkloadFacts = CommonFacts &
  (
    | {
        readonly kind: 'Deployment'
        readonly paused: boolean
        /** How long its controller waits for progress; absent when for ever. */
        readonly progressDeadlineMs?: number
        readonly desired: number
        readonly replicas: number
        readonly updated: number
        readonly available: number
        /** Pods that are ending, of any version; absent where the server is too old to count them. */
        readonly terminating?: number
      }
    | {
        readonly kind: 'StatefulSet'
        readonly strategy: string
        /** Pods with a lower number keep the old template. */
        readonly partition: number
        readonly desired: number
        readonly updated: number
        readonly ready: number
        readonly currentRevision: string
        readonly updateRevision: string
        /** How long a pod of it may take until it counts, where its template says so. */
        readonly slowStartMs?: number
      }
    | {
        readonly kind: 'DaemonSet'
        readonly strategy: string
        readonly desired: number
        readonly updated: number
        readonly available: number
        readonly unavailable: number
        /** As of a StatefulSet. */
        readonly slowStartMs?: number
      }
    | {
        readonly kind: 'CronJob'
        readonly suspended: boolean
        /** Not ended yet. */
        readonly jobs: readonly JobFacts[]
      }
  )

interface CommonFacts {
  readonly name: string
  /** When this was seen, in milliseconds by the clock of the cluster. */
  readonly atMs: number
  /** Of its template. */
  readonly version: SeenVersion
  /** Raised by every change of its spec, also by an autoscaler's. */
  readonly generation: number
  /** The generation that the counts and conditions tell of, at least. */
  readonly observedGeneration: number
  readonly conditions: readonly ConditionFacts[]
  readonly pods: readonly PodFacts[]
}

export interface ConditionFacts {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  /** When it was last written, in the words of the cluster. */
  readonly asOf: string
  /** How long it has had this status. */
  readonly ageMs: number
}

export interface PodFacts {
  readonly name: string
  readonly version: SeenVersion
  /** `ending`: was told to end and may still use the database. `ended`: no container of it runs or will run. */
  readonly state: 'pending' | 'running' | 'ending' | 'ended'
  readonly node?: string
  /** When it was made, in the words of the cluster. */
  readonly since?: string
  readonly ready: boolean
  /** Of all its containers. */
  readonly restarts: number
  readonly ageMs: number
  /** How long it has not been ready; 0 when it is. */
  readonly notReadyMs: number
  /** A container that cannot run, such as `ErrImagePull`. */
  readonly waiting?: { readonly container: string; readonly reason: string; readonly message: string }
  /** No node takes it. */
  readonly unschedulable?: string
  /** How a container of it ended last: `OOMKilled, exit code 137`. */
  readonly lastEnd?: string
}

export interface JobFacts {
  readonly name: string
  readonly version: SeenVersion
  readonly state: 'active' | 'suspended' | 'ended'
}
