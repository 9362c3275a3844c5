import type { Labels, Pod, PodTemplate } from '../../../src/adapters/kubernetes/objects.ts'
import { controlledBy } from './objects.ts'
import type { Store } from './store.ts'

/** What is wrong with an image: its pods crash, cannot be pulled, or never become ready. */
export type Fault = 'crash' | 'image' | 'hang'

export interface PodOptions {
  readonly fault?: (image: string) => Fault | undefined
  /** Steps from "told to end" to gone. */
  readonly endSteps?: number
}

/** A kubelet: each step makes every pod a step older. */
export function kubelet(store: Store, options: PodOptions): () => void {
  const { endSteps = 2 } = options
  // By when it was made, too: the pods of a StatefulSet come again under the same name.
  const ages = new Map<string, { readonly of: string; steps: number; ending: number }>()
  const ageOf = ({ metadata: { name, creationTimestamp = '' } }: Pod) => {
    const known = ages.get(name)
    const age = known?.of === creationTimestamp ? known : { of: creationTimestamp, steps: 0, ending: 0 }
    ages.set(name, age)
    return age
  }
  return () => {
    for (const pod of store.list('Pod')) {
      const { name } = pod.metadata
      const age = ageOf(pod)
      age.steps += 1
      if (isEnding(pod)) {
        age.ending += 1
        if (age.ending > endSteps) store.remove('Pod', name)
      } else if (!isReady(pod) || faultOf(pod, options) !== undefined)
        store.merge('Pod', name, { status: statusAfter(pod, age.steps, options, store.nowMs) })
    }
  }
}

function statusAfter(pod: Pod, age: number, options: PodOptions, nowMs: number): object {
  const image = imageOf(pod)
  const wrong = faultOf(pod, options)
  const conditions = [
    {
      type: 'Ready',
      status: wrong === undefined ? 'True' : 'False',
      lastTransitionTime: pod.metadata.creationTimestamp,
    },
  ]
  if (wrong === undefined || wrong === 'hang') {
    const time = new Date(nowMs).toISOString()
    const since = wrong === undefined ? time : pod.metadata.creationTimestamp
    return { phase: 'Running', conditions: conditions.map((one) => ({ ...one, lastTransitionTime: since })) }
  }
  const reason = wrong === 'image' ? 'ErrImagePull' : 'CrashLoopBackOff'
  const message = wrong === 'image' ? `"${image}": not found` : 'back-off restarting failed container'
  const lastState = wrong === 'crash' ? { terminated: { reason: 'Error', exitCode: 1 } } : {}
  const restartCount = wrong === 'crash' ? Math.floor(age / 3) : 0
  const container = { name: 'app', restartCount, state: { waiting: { reason, message } }, lastState }
  return { phase: wrong === 'image' ? 'Pending' : 'Running', conditions, containerStatuses: [container] }
}

function imageOf({ spec }: Pod): string {
  return spec.containers.find(({ name }) => name === 'app')?.image ?? ''
}

/** Also of one that was ready for long: it crashes later. */
function faultOf(pod: Pod, { fault }: PodOptions): Fault | undefined {
  return fault?.(imageOf(pod))
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
}

export function isEnding({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined
}

export function ownedBy(store: Store, kind: string, name: string): readonly Pod[] {
  return store.list('Pod').filter(({ metadata }) => {
    const [owner] = metadata.ownerReferences ?? []
    return owner?.kind === kind && owner.name === name
  })
}

/** Tells a pod to end. */
export function endPod(store: Store, { metadata: { name } }: Pod): void {
  store.merge('Pod', name, { metadata: { deletionTimestamp: new Date(store.nowMs).toISOString() } })
}

export interface NewPod {
  readonly name: string
  readonly owner: readonly [kind: string, name: string]
  readonly template: PodTemplate | undefined
  readonly node?: string
  readonly labels?: Labels
}

export function makePod(store: Store, { name, owner, template, node = 'node-1', labels = {} }: NewPod): void {
  store.put('Pod', {
    metadata: {
      name,
      labels: { ...template?.metadata?.labels, ...labels },
      ownerReferences: controlledBy(...owner),
    },
    spec: { containers: template?.spec?.containers ?? [], nodeName: node },
    status: { phase: 'Pending' },
  })
}
