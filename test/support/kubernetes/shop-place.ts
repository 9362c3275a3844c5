import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { KubernetesDeploy } from '../../../src/core/rollout/workload.ts'
import { type Workplace, workplace } from '../cli.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../database.ts'
import { putDeployment, SHOP } from './objects.ts'
import { type Stub, startKubernetesStub } from './stub.ts'
import { startWorld, type WorldOptions } from './world.ts'

const SETTLING_STEPS = 12
const STEP_EVERY_MS = 10

/** A file that leads to a stub, as `KUBECONFIG` names it. */
export async function kubeconfigOf(stub: Stub): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-cluster-'))
  cleanUp(() => rm(folder, { recursive: true }))
  const kubeconfig = path.join(folder, 'config')
  const content = {
    'current-context': 'test',
    clusters: [{ name: 'c', cluster: { server: stub.url } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  }
  await writeFile(kubeconfig, JSON.stringify(content))
  return kubeconfig
}

export interface ShopPlace {
  readonly place: Workplace
  readonly database: TestDatabase
  readonly stub: Stub
  readonly confirm: readonly string[]
  /** How many pods there are of each version, ending ones included. */
  pods(): Readonly<Record<string, number>>
  /** The image in the template of the moment. */
  image(name?: string): string | undefined
  /** Bodies of all changes that were asked for. */
  patches(): readonly string[]
  /** Writes the section "deploy" of the config file anew. */
  deployBy(section: object): Promise<void>
  /** As somebody else would bring a version in. */
  bringIn(version: string, name?: string): void
}

export interface ShopOptions extends WorldOptions, Partial<Pick<KubernetesDeploy, 'mode' | 'workloads'>> {}

/** A folder with a config file and migrations, a database, and a cluster that runs version 1 and moves by itself. */
export async function shopPlace(options: ShopOptions = {}): Promise<ShopPlace> {
  const { mode = 'drive', workloads = [SHOP], ...world } = options
  const stub = await startKubernetesStub()
  const { store } = stub
  for (const { name } of workloads) putDeployment(store, '1', { name, app: name, isLabelled: false })
  const moving = startWorld(store, world)
  for (let step = 0; step < SETTLING_STEPS; step += 1) moving.step()
  const ticking = setInterval(() => moving.step(), STEP_EVERY_MS)
  cleanUp(async () => clearInterval(ticking))
  const database = await testDatabase(
    `create table users (id bigint generated always as identity primary key, name text);
     insert into users (name) select 'User ' || i from generate_series(1, 50) i`,
  )
  const place = await workplace({ DATABASE_URL: database.url, KUBECONFIG: await kubeconfigOf(stub) })
  await place.run('init')
  // Nothing of the cluster connects to the database: what it needs is seen in its pods alone.
  const gate = { quietMs: 0, whenNoneRegistered: 'allow', reason: 'a test', unregistered: 'allow' }
  const settings = { gate, driver: { pollMs: 20 } }
  const deployBy = (section: object) =>
    place.write('bellows.config.yaml', JSON.stringify({ settings, deploy: section }))
  await deployBy({ kubernetes: { mode, workloads } })
  await place.write(
    'migrations/0001_rename.yaml',
    'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n',
  )
  await place.write(
    'migrations/0002_add.yaml',
    'operations:\n  - add_column: { table: users, column: email, type: text }\n',
  )
  return {
    place,
    database,
    stub,
    confirm: ['--confirm', database.name],
    deployBy,
    pods: () => {
      const images = store.list('Pod').map(({ spec }) => appImage(spec)?.split(':')[1] ?? '')
      return Object.fromEntries(images.map((one) => [one, images.filter((other) => other === one).length]))
    },
    image: (name = 'shop') => appImage(store.get('Deployment', name)?.spec.template.spec),
    patches: () => stub.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body),
    bringIn: (version, name = 'shop') => {
      const containers = [{ name: 'app', image: `registry/shop:${version}` }]
      store.patch('Deployment', name, 'application/strategic-merge-patch+json', {
        spec: { template: { metadata: { labels: { 'bellows/version': version } }, spec: { containers } } },
      })
    },
  }
}

function appImage(
  spec: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] } | undefined,
): string | undefined {
  return spec?.containers?.find(({ name }) => name === 'app')?.image
}

/** Waits until a program has said something. */
export async function saidBy(program: ReturnType<Workplace['start']>, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let said = ''
    program.child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(text)) resolve()
    })
    program.child.once('close', () => reject(new Error(`it ended, and had not said "${text}": ${said}`)))
  })
}
