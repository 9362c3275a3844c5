import type { Pod, PodTemplate } from '../../../src/adapters/kubernetes/objects.ts'

export const REVISION_LABEL = 'controller-revision-hash'

/** The ControllerRevisions of a StatefulSet or a DaemonSet. A template that was there before has the revision of then. */
export interface Revisions {
  nameFor(template: PodTemplate): string
  template(name: string): PodTemplate | undefined
}

export function revisionsOf(set: string): Revisions {
  const known = new Map<string, PodTemplate>()
  const same = (one: PodTemplate, other: PodTemplate) => JSON.stringify(one) === JSON.stringify(other)
  return {
    nameFor: (template) => {
      const found = [...known].find(([, one]) => same(one, template))?.[0]
      const name = found ?? `${set}-${String.fromCharCode('a'.charCodeAt(0) + known.size)}`
      known.set(name, template)
      return name
    },
    template: (name) => known.get(name),
  }
}

export function revisionOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[REVISION_LABEL]
}
