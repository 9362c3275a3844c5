import { messageOf } from '../../core/errors.ts'
import type { Inventory, RevisionFacts, TemplateFacts } from '../../core/rollout/inventory.ts'
import { repositoryOf } from '../../core/rollout/seen-version.ts'
import type { PodFacts, Workload } from '../../core/rollout/workload.ts'
import type { Client, Read } from './client.ts'
import { type Between, isControlledBy, isPodOf, isSuspended, jobsOf, type Registered } from './members.ts'
import type { Pod, ReplicaSet, StatefulSet } from './objects.ts'
import { podFacts } from './pods.ts'
import { statusIn } from './refusal.ts'
import { sharedSecrets } from './shared-secrets.ts'
import { templateOf, versionOf, type WorkloadObject } from './template.ts'

/**
 * From the templates down to the pods, in this order: what is made between two reads is made from a template that was seen.
 */
export async function takeInventory(client: Client, workloads: readonly Workload[]): Promise<Inventory> {
  const unread: string[] = []
  const reading = async <T>(read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read
    } catch (error) {
      unread.push(messageOf(error))
      return undefined
    }
  }
  const registered: Registered[] = []
  for (const workload of workloads) {
    const object = await reading(objectOf(client, workload))
    if (object !== undefined) registered.push({ workload, object })
  }
  const replicaSets = (await reading(client.list('ReplicaSet')))?.value ?? []
  const jobs = (await reading(client.list('Job')))?.value ?? []
  const pods = (await reading(client.list('Pod'))) ?? { value: [], atMs: 0 }
  const between = { replicaSets, jobs }
  return {
    templates: registered.map(templateFacts),
    pods: podsOf(registered, pods, between),
    revisions: registered.flatMap((one) => revisionsOf(one, replicaSets)),
    jobs: registered.flatMap(({ workload }) => jobsOf(workload, jobs)),
    sharing: sharedSecrets(registered, pods.value, between),
    unread,
  }
}

/** A registered Job may be gone: it has ended, and starts nothing any more. A workload that is gone was misspelt, perhaps. */
async function objectOf(client: Client, { kind, name }: Workload): Promise<WorkloadObject | undefined> {
  try {
    return (await client.get(kind, name)).value
  } catch (error) {
    if (kind === 'Job' && statusIn(error) === 404) return undefined
    throw error
  }
}

function templateFacts({ workload, object }: Registered): TemplateFacts {
  const unsettled = whyUnsettled(object)
  return {
    kind: workload.kind,
    name: workload.name,
    version: versionOf(workload, templateOf(object)),
    suspended: isSuspended(object),
    ...(unsettled === undefined ? {} : { unsettled }),
  }
}

/** A StatefulSet on its way starts a pod that it has not reached yet from the revision before, however new its template is. */
function whyUnsettled(object: WorkloadObject): string | undefined {
  // The others have none of these fields, and nothing to be between.
  const { metadata, spec, status } = object as StatefulSet
  const { observedGeneration, currentRevision, updateRevision } = status ?? {}
  if (observedGeneration !== undefined && observedGeneration < (metadata.generation ?? 0))
    return 'has a change that its controller has not looked at yet'
  if (currentRevision !== updateRevision && spec.updateStrategy?.type !== 'OnDelete')
    return `is between the revisions ${currentRevision ?? 'none'} and ${updateRevision ?? 'none'}`
  return undefined
}

function revisionsOf({ workload }: Registered, replicaSets: readonly ReplicaSet[]): readonly RevisionFacts[] {
  return replicaSets
    .filter((set) => isControlledBy(set, workload))
    .map(({ metadata, spec, status }) => ({
      name: metadata.name,
      version: versionOf(workload, spec.template ?? {}),
      replicas: Math.max(spec.replicas ?? 0, status?.replicas ?? 0),
      terminating: status?.terminatingReplicas ?? 0,
    }))
}

function podsOf(
  registered: readonly Registered[],
  { value, atMs }: Read<readonly Pod[]>,
  between: Between,
): readonly PodFacts[] {
  return value.flatMap((pod) => {
    const workload =
      registered.find(({ workload, object }) => isPodOf(workload, object, pod, between))?.workload ??
      strangerWith(registered, pod)
    return workload === undefined ? [] : [podFacts(pod, versionOf(workload, pod), atMs)]
  })
}

/** A pod that belongs to none of the workloads and runs the image of one: somebody's console, or what is left of a Job. */
function strangerWith(registered: readonly Registered[], pod: Pod): Workload | undefined {
  for (const { workload } of registered) {
    const { image } = workload
    if (image === undefined) continue
    const container = pod.spec.containers.find(
      (one) => one.image !== undefined && repositoryOf(one.image) === repositoryOf(image),
    )
    if (container !== undefined) return { ...workload, container: container.name }
  }
  return undefined
}
