import type { RolledWorkload } from '../../../src/core/rollout/workload.ts'
import type { Store } from './store.ts'

/** Objects of an application called "shop", as a cluster would hold them. */

export const SHOP: RolledWorkload = {
  kind: 'Deployment',
  name: 'shop',
  container: 'app',
  image: 'registry/shop:{version}',
}
export const LEDGER: RolledWorkload = { ...SHOP, kind: 'StatefulSet', name: 'ledger' }
export const AGENT: RolledWorkload = { ...SHOP, kind: 'DaemonSet', name: 'agent' }
export const NIGHTLY: RolledWorkload = { ...SHOP, kind: 'CronJob', name: 'nightly' }

export interface TemplateMore {
  readonly app?: string
  /** With the label that Bellows sets. */
  readonly isLabelled?: boolean
  readonly secret?: string
  readonly image?: string
}

export function template(version: string, more: TemplateMore = {}) {
  const { app = 'shop', isLabelled = true, secret, image = `registry/shop:${version}` } = more
  return {
    metadata: { labels: { app, ...(isLabelled ? { 'bellows/version': version } : {}) } },
    spec: {
      containers: [
        { name: 'sidecar', image: 'registry/proxy:9' },
        {
          name: 'app',
          image,
          env: [
            { name: 'PORT', value: '8080' },
            ...(secret === undefined
              ? []
              : [{ name: 'DATABASE_URL', valueFrom: { secretKeyRef: { name: secret } } }]),
          ],
        },
      ],
    },
  }
}

export function controlledBy(kind: string, name: string) {
  return [{ kind, name, uid: `uid-${kind}-${name}`, controller: true }]
}

/** A Deployment that stands well. */
export function putDeployment(
  store: Store,
  version: string,
  more: TemplateMore & { readonly name?: string } = {},
) {
  const { name = 'shop' } = more
  return store.put('Deployment', {
    metadata: { name },
    spec: {
      replicas: 3,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: more.app ?? 'shop' } },
      template: template(version, more),
    },
    status: { observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3 },
  })
}

/** A StatefulSet of three pods, and a DaemonSet, which nothing has looked at yet. */
export function putSet(
  store: Store,
  { kind, name }: RolledWorkload,
  version: string,
  more: { readonly strategy?: object } = {},
) {
  const { strategy = { type: 'RollingUpdate' } } = more
  const spec = {
    selector: { matchLabels: { app: name } },
    template: template(version, { app: name }),
    updateStrategy: strategy,
  }
  return kind === 'StatefulSet'
    ? store.put('StatefulSet', { metadata: { name }, spec: { replicas: 3, ...spec } })
    : store.put('DaemonSet', { metadata: { name }, spec })
}

export function putReplicaSet(
  store: Store,
  name: string,
  version: string,
  more: TemplateMore & {
    readonly replicas?: number
    readonly of?: string
    readonly terminating?: number
  } = {},
) {
  const { replicas = 0, of = 'shop', terminating } = more
  return store.put('ReplicaSet', {
    metadata: { name, ownerReferences: controlledBy('Deployment', of) },
    spec: { replicas, template: template(version, more) },
    status: { replicas, ...(terminating === undefined ? {} : { terminatingReplicas: terminating }) },
  })
}

export interface PodMore extends TemplateMore {
  readonly owner?: readonly [kind: string, name: string]
  readonly phase?: string
  readonly ready?: boolean
  readonly ending?: boolean
  readonly status?: object
}

export function putPod(store: Store, name: string, version: string, more: PodMore = {}) {
  const { owner, phase = 'Running', ready = true, ending = false, status = {} } = more
  const { metadata, spec } = template(version, more)
  const now = new Date(store.nowMs).toISOString()
  return store.put('Pod', {
    metadata: {
      ...metadata,
      name,
      ...(owner === undefined ? {} : { ownerReferences: controlledBy(...owner) }),
      ...(ending ? { deletionTimestamp: now } : {}),
    },
    spec: { ...spec, nodeName: 'node-1' },
    status: {
      phase,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: now }],
      containerStatuses: [{ name: 'app', restartCount: 0, state: {} }],
      ...status,
    },
  })
}

export function putJob(
  store: Store,
  name: string,
  version: string,
  more: TemplateMore & { readonly of?: string; readonly suspend?: boolean; readonly status?: object } = {},
) {
  const { of, suspend, status = { active: 1 } } = more
  return store.put('Job', {
    metadata: { name, ...(of === undefined ? {} : { ownerReferences: controlledBy('CronJob', of) }) },
    spec: { template: template(version, more), ...(suspend === undefined ? {} : { suspend }) },
    status,
  })
}

export function putCronJob(
  store: Store,
  version: string,
  more: TemplateMore & { readonly suspend?: boolean } = {},
) {
  return store.put('CronJob', {
    metadata: { name: 'nightly' },
    spec: { suspend: more.suspend ?? false, jobTemplate: { spec: { template: template(version, more) } } },
  })
}
