import { type SeenVersion, seenVersion } from '../../core/rollout/seen-version.ts'
import type { Workload, WorkloadKind } from '../../core/rollout/workload.ts'
import type { Objects, PodTemplate } from './objects.ts'

export type WorkloadObject = Objects[WorkloadKind]

/** Where an object keeps its pod template. */
export function templatePath(kind: WorkloadKind): readonly string[] {
  return kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template']
}

export function templateOf({ spec }: WorkloadObject): PodTemplate {
  return 'jobTemplate' in spec ? spec.jobTemplate.spec.template : spec.template
}

/** Of a template, or of a pod, which has the same parts. */
export function versionOf(workload: Workload, { metadata, spec }: PodTemplate): SeenVersion {
  const image = spec?.containers.find(({ name }) => name === workload.container)?.image
  return seenVersion(metadata?.labels ?? {}, image, workload.image)
}

/** Names of the Secrets that its containers can read. */
export function secretsOf({ spec }: PodTemplate): readonly string[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  const names = [
    ...containers.flatMap(({ env }) => env?.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name) ?? []),
    ...containers.flatMap(({ envFrom }) => envFrom?.map(({ secretRef }) => secretRef?.name) ?? []),
    ...(spec?.volumes?.map(({ secret }) => secret?.secretName) ?? []),
  ]
  return [...new Set(names.filter((name) => name !== undefined))]
}
