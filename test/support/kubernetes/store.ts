import { EventEmitter } from 'node:events'
import type { Objects } from '../../../src/adapters/kubernetes/objects.ts'
import type { ResourceKind } from '../../../src/adapters/kubernetes/resources.ts'
import { jsonPatch, type Operation, strategicMerge } from './merge.ts'

export interface StoredEvent {
  readonly kind: ResourceKind
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: AnyObject
}

export type AnyObject = Objects[ResourceKind]

type Loose<T> = { readonly [K in keyof T]?: T[K] extends object | undefined ? Loose<T[K]> : T[K] }
/** What a test says of an object: the rest is filled in. */
export type Given<K extends ResourceKind> = Loose<Objects[K]> & { metadata: { name: string } }

export type Patched =
  | { readonly object: AnyObject }
  | { readonly conflict: string }
  | { readonly invalid: string }

/** The objects of one namespace, as etcd and the API server keep them: every change has a place in one order. */
export class Store {
  readonly changes = new EventEmitter()
  /** What is older is forgotten: a watch or a page from there is gone. */
  oldest = 0
  nowMs = Date.parse('2026-01-01T00:00:00Z')
  readonly #objects = new Map<string, { readonly kind: ResourceKind; readonly object: AnyObject }>()
  readonly #events: StoredEvent[] = []
  #version = 100

  get version(): number {
    return this.#version
  }

  get<K extends ResourceKind>(kind: K, name: string): Objects[K] | undefined {
    return this.#objects.get(`${kind}/${name}`)?.object as Objects[K] | undefined
  }

  list<K extends ResourceKind>(kind: K): readonly Objects[K][] {
    return [...this.#objects.values()]
      .filter((one) => one.kind === kind)
      .map(({ object }) => object as Objects[K])
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  /** As the cluster itself would: no generation is raised. */
  put<K extends ResourceKind>(kind: K, given: Given<K>): Objects[K] {
    const name = given.metadata.name
    const before = this.get(kind, name)
    this.#version += 1
    const object = structuredClone({
      ...given,
      metadata: {
        uid: `uid-${kind}-${name}`,
        generation: 1,
        creationTimestamp: new Date(this.nowMs).toISOString(),
        ...before?.metadata,
        ...given.metadata,
        resourceVersion: String(this.#version),
      },
    }) as unknown as Objects[K]
    this.#objects.set(`${kind}/${name}`, { kind, object })
    this.#tell({ kind, version: this.#version, type: before === undefined ? 'ADDED' : 'MODIFIED', object })
    return object
  }

  /** Changes a part of an object that is there. */
  merge<K extends ResourceKind>(kind: K, name: string, change: unknown): Objects[K] {
    return this.put(kind, strategicMerge(this.get(kind, name), change) as Given<K>)
  }

  remove(kind: ResourceKind, name: string): void {
    const object = this.get(kind, name)
    if (object === undefined) return
    this.#objects.delete(`${kind}/${name}`)
    this.#version += 1
    this.#tell({ kind, version: this.#version, type: 'DELETED', object })
  }

  /** As a client asks for it: a spec that changes raises the generation; a version that is not the current one conflicts. */
  patch(kind: ResourceKind, name: string, type: string, content: unknown): Patched {
    const before = this.get(kind, name)
    if (before === undefined) return { invalid: 'not found' }
    const isJson = type.startsWith('application/json-patch')
    const changed = (isJson ? jsonPatch(before, content as Operation[]) : strategicMerge(before, content)) as
      | AnyObject
      | undefined
    if (changed === undefined)
      return { invalid: 'the server rejected our request due to an error in our request' }
    if (changed.metadata.resourceVersion !== before.metadata.resourceVersion)
      return { conflict: `Operation cannot be fulfilled on "${name}": the object has been modified` }
    const same = JSON.stringify(changed) === JSON.stringify(before)
    if (same) return { object: before }
    const isNewSpec = JSON.stringify(specOf(changed)) !== JSON.stringify(specOf(before))
    const generation = (before.metadata.generation ?? 1) + (isNewSpec ? 1 : 0)
    return { object: this.put(kind, { ...changed, metadata: { ...changed.metadata, generation } }) }
  }

  since(kind: ResourceKind, version: number): readonly StoredEvent[] {
    return this.#events.filter((event) => event.kind === kind && event.version > version)
  }

  /** Forgets all that was: as a compaction does after five minutes. */
  forget(): void {
    this.#version += 1
    this.oldest = this.#version
  }

  #tell(event: StoredEvent): void {
    this.#events.push(event)
    this.changes.emit('change', event)
  }
}

function specOf(object: AnyObject): unknown {
  return 'spec' in object ? object.spec : undefined
}
