import type { JobFacts, Workload } from '../../core/rollout/workload.ts'
import type { CronJob, Job, Owner, Pod, ReplicaSet, Resource } from './objects.ts'
import { matches } from './selector.ts'
import { versionOf, type WorkloadObject } from './template.ts'

export interface Registered {
  readonly workload: Workload
  readonly object: WorkloadObject
}

/** What stands between a workload and its pods. */
export interface Between {
  readonly replicaSets: readonly ReplicaSet[]
  readonly jobs: readonly Job[]
}

export function controllerOf({ metadata }: Resource): Owner | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)
}

export function isControlledBy(resource: Resource, { kind, name }: Pick<Workload, 'kind' | 'name'>): boolean {
  const controller = controllerOf(resource)
  return controller?.kind === kind && controller.name === name
}

/**
 * Is it a pod of this workload? One whose ReplicaSet or Job is gone already, while the pod still ends, is: nobody else would
 * count it.
 */
export function isPodOf(workload: Workload, object: WorkloadObject, pod: Pod, between: Between): boolean {
  const controller = controllerOf(pod)
  if (workload.kind === 'Job') return isControlledBy(pod, workload)
  if (workload.kind === 'CronJob') return controller?.kind === 'Job' && isJobOf(workload, controller, between)
  const { spec } = object
  if (!('selector' in spec) || !matches(spec.selector, pod.metadata.labels ?? {})) return false
  if (controller === undefined) return true
  if (workload.kind !== 'Deployment') return isControlledBy(pod, workload)
  const set = between.replicaSets.find(({ metadata }) => metadata.name === controller.name)
  return controller.kind === 'ReplicaSet' && (set === undefined || isControlledBy(set, workload))
}

/** A CronJob names its Jobs after itself and the minute: that is all that is left of one that is gone. */
function isJobOf(workload: Workload, controller: Owner, { jobs }: Between): boolean {
  const job = jobs.find(({ metadata }) => metadata.name === controller.name)
  if (job !== undefined) return isControlledBy(job, workload)
  return controller.name.startsWith(`${workload.name}-`) && /-\d+$/.test(controller.name)
}

/** Also a Job that somebody started by hand from the CronJob. */
export function jobsOf(workload: Workload, jobs: readonly Job[]): readonly JobFacts[] {
  return jobs
    .filter((job) =>
      workload.kind === 'Job' ? job.metadata.name === workload.name : isControlledBy(job, workload),
    )
    .map((job) => ({
      name: job.metadata.name,
      version: versionOf(workload, job.spec.template),
      state: jobState(job),
    }))
}

function jobState({ spec, status }: Job): JobFacts['state'] {
  const isOver = status?.conditions?.some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )
  if (isOver === true) return 'ended'
  return spec.suspend === true && (status?.active ?? 0) === 0 ? 'suspended' : 'active'
}

export function isSuspended(object: WorkloadObject): boolean {
  return (object as CronJob).spec.suspend === true
}
