import type { Inventory } from '../../core/rollout/inventory.ts'
import { type Between, controllerOf, isControlledBy, isPodOf, type Registered } from './members.ts'
import type { Pod, PodTemplate, Resource } from './objects.ts'
import { secretsOf, templateOf } from './template.ts'

/**
 * Whoever is not registered and can read a Secret of a registered workload. Told from what is listed anyway: a CronJob shows in
 * the Jobs that it keeps, a Deployment in its ReplicaSets, also when nothing of them runs.
 */
export function sharedSecrets(
  registered: readonly Registered[],
  pods: readonly Pod[],
  between: Between,
): Inventory['sharing'] {
  const secrets = new Set(registered.flatMap(({ object }) => secretsOf(templateOf(object))))
  const sharing = strangers(registered, pods, between).flatMap(({ owner, template }) =>
    secretsOf(template)
      .filter((secret) => secrets.has(secret))
      .map((secret) => ({ kind: owner.kind, name: owner.name, secret })),
  )
  const once = new Map(sharing.map((one) => [`${one.kind} ${one.name} ${one.secret}`, one]))
  return [...once.keys()].sort().flatMap((key) => once.get(key) ?? [])
}

interface Stranger {
  readonly owner: { readonly kind: string; readonly name: string }
  readonly template: PodTemplate
}

function strangers(
  registered: readonly Registered[],
  pods: readonly Pod[],
  between: Between,
): readonly Stranger[] {
  const isOfNobody = (kind: string, resource: Resource) =>
    registered.every(
      ({ workload }) =>
        !isControlledBy(resource, workload) &&
        !(workload.kind === kind && workload.name === resource.metadata.name),
    )
  const owned = (kind: string, resource: Resource, template: PodTemplate | undefined): Stranger => ({
    owner: controllerOf(resource) ?? { kind, name: resource.metadata.name },
    template: template ?? {},
  })
  return [
    ...between.replicaSets
      .filter((set) => isOfNobody('ReplicaSet', set))
      .map((set) => owned('ReplicaSet', set, set.spec.template)),
    ...between.jobs
      .filter((job) => isOfNobody('Job', job))
      .map((job) => owned('Job', job, job.spec.template)),
    ...pods
      .filter((pod) => !['ReplicaSet', 'Job'].includes(controllerOf(pod)?.kind ?? ''))
      .filter((pod) => !registered.some(({ workload, object }) => isPodOf(workload, object, pod, between)))
      .map((pod) => owned('Pod', pod, pod)),
  ]
}
