/** What we ask the API server about. All of it lives in a namespace. */
export const RESOURCES = {
  Deployment: { api: '/apis/apps/v1', plural: 'deployments' },
  StatefulSet: { api: '/apis/apps/v1', plural: 'statefulsets' },
  DaemonSet: { api: '/apis/apps/v1', plural: 'daemonsets' },
  ReplicaSet: { api: '/apis/apps/v1', plural: 'replicasets' },
  Job: { api: '/apis/batch/v1', plural: 'jobs' },
  CronJob: { api: '/apis/batch/v1', plural: 'cronjobs' },
  Pod: { api: '/api/v1', plural: 'pods' },
} as const

export type ResourceKind = keyof typeof RESOURCES

export function pathOf(kind: ResourceKind, namespace: string, name?: string): string {
  const { api, plural } = RESOURCES[kind]
  const collection = `${api}/namespaces/${encodeURIComponent(namespace)}/${plural}`
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`
}

/** What a request is about, for people and for the one who grants rights. */
export interface Intent {
  readonly verb: 'get' | 'list' | 'watch' | 'patch'
  readonly kind: ResourceKind
  readonly namespace: string
  readonly name?: string
}

/** `patch the Deployment "shop" in "prod"`, `list the pods in "prod"`. */
export function intentWords({ verb, kind, namespace, name }: Intent): string {
  const what = name === undefined ? `the ${RESOURCES[kind].plural}` : `the ${kind} "${name}"`
  return `${verb} ${what} in "${namespace}"`
}
