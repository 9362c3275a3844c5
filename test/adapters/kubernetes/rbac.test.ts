import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { RolledWorkload } from '../../../src/core/rollout/workload.ts'
import { clusterOf } from '../../support/kubernetes/client.ts'
import { putCronJob, putDeployment, putJob, SHOP, template } from '../../support/kubernetes/objects.ts'
import { type Received, startKubernetesStub } from '../../support/kubernetes/stub.ts'

const EXAMPLES = path.resolve(import.meta.dirname, '../../../examples/kubernetes')

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

async function documents(file: string): Promise<readonly Record<string, unknown>[]> {
  const all = parseAllDocuments(await readFile(path.join(EXAMPLES, file), 'utf8'))
  return all.map((one) => one.toJS() as Record<string, unknown>)
}

/** `patch apps/deployments`: what a request needs the right to. */
function right({ method, path, query }: Received): string {
  const [, group, resource, name] =
    /^\/(?:api|apis\/(\w+))\/v1\/namespaces\/\w+\/(\w+)(?:\/(.+))?$/.exec(path) ?? []
  const reading = query.watch === '1' ? 'watch' : name === undefined ? 'list' : 'get'
  return `${method === 'PATCH' ? 'patch' : reading} ${group ?? ''}/${resource ?? ''}`
}

test('the Role grants what is asked for, and nothing else', async () => {
  const stub = await startKubernetesStub()
  const { store } = stub
  putDeployment(store, '1')
  putCronJob(store, '1')
  putJob(store, 'import', '1')
  const spec = { selector: { matchLabels: { app: 'x' } }, template: template('1') }
  store.put('StatefulSet', { metadata: { name: 'queue' }, spec })
  store.put('DaemonSet', { metadata: { name: 'agent' }, spec })
  const rolled: readonly RolledWorkload[] = [
    SHOP,
    { ...SHOP, kind: 'StatefulSet', name: 'queue' },
    { ...SHOP, kind: 'DaemonSet', name: 'agent' },
    { ...SHOP, kind: 'CronJob', name: 'nightly' },
  ]
  const cluster = clusterOf(stub, [...rolled, { ...SHOP, kind: 'Job', name: 'import' }])
  const release = { rollout: 'r1', version: '2', cause: 'test' }
  for (const workload of rolled) {
    const saved = await cluster.template(workload)
    await cluster.apply(workload, release, saved)
    await cluster.look(workload)
    await cluster.restore(workload, release, saved)
  }
  await cluster.inventory()
  await cluster.changed(1)
  await expect.poll(() => stub.watches).toBe(1)

  const role = (await documents('rbac.yaml')).find(({ kind }) => kind === 'Role')
  const granted = ((role?.rules ?? []) as readonly Rule[]).flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((one) => verbs.map((verb) => `${verb} ${group}/${one}`))),
  )
  expect([...new Set(stub.requests.map(right))].sort()).toEqual(granted.sort())
})

test('the other examples are objects as Kubernetes takes them, and Bellows finds its container in them', async () => {
  const [deployment] = await documents('deployment.yaml')
  const stub = await startKubernetesStub()
  stub.store.put('Deployment', deployment as never)
  const cluster = clusterOf(stub, [SHOP])
  expect(await cluster.template(SHOP)).toMatchObject({ version: { known: '1' } })
  const [job] = await documents('argo-post-sync.yaml')
  expect(job).toMatchObject({
    kind: 'Job',
    spec: { template: { spec: { serviceAccountName: 'bellows', restartPolicy: 'Never' } } },
  })
})
