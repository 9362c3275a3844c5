import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanUp } from '../database.ts'
import { type Certificates, makeCertificates } from './certificates.ts'

/** A real API server and real controllers, as `scripts/kubernetes-build.mjs` builds them. There is no node but a fake one. */
export interface ControlPlane {
  /** Of an administrator. @returns what the server answers; throws for everything that is not a 2xx */
  admin(method: string, path: string, body?: unknown, type?: string): Promise<Answer>
  /** A kubeconfig of the user `bellows`, who is known by a client certificate. */
  readonly kubeconfig: string
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the server has
export type Answer = any

const BINARIES = path.join(
  process.env.BELLOWS_E2E_CACHE ?? path.join(homedir(), '.cache', 'bellows-e2e'),
  'bin',
)
const ADMIN_TOKEN = 'admin-token'
const READY_ATTEMPTS = 300
const CONTROLLERS = 'deployment,replicaset,statefulset,job,garbagecollector,namespace'
const STOP_MS = 10_000

/** Why it cannot run here; undefined when it can. */
export function controlPlaneProblem(): string | undefined {
  const missing = ['etcd', 'kube-apiserver', 'kube-controller-manager'].find(
    (name) => !existsSync(path.join(BINARIES, name)),
  )
  return missing === undefined
    ? undefined
    : `${missing} is not in ${BINARIES}: node scripts/kubernetes-build.mjs`
}

export async function startControlPlane(): Promise<ControlPlane> {
  const certificates = makeCertificates()
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-control-plane-'))
  cleanUp(() => rm(folder, { recursive: true, force: true }))
  const [etcd = 0, peer = 0, port = 0] = await freePorts(3)
  const url = `https://127.0.0.1:${port}`
  await writeFile(path.join(folder, 'tokens.csv'), `${ADMIN_TOKEN},admin,1,system:masters\n`)
  // It reads keys of its own time only.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' })
  await writeFile(path.join(folder, 'service-account.pem'), pem, { mode: 0o600 })
  startProgram(folder, 'etcd', [
    `--data-dir=${folder}/etcd`,
    '--unsafe-no-fsync',
    `--listen-client-urls=http://127.0.0.1:${etcd}`,
    `--advertise-client-urls=http://127.0.0.1:${etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
  ])
  startProgram(folder, 'kube-apiserver', serverArguments(folder, certificates, { etcd, port }))
  const admin = administrator(url, certificates)
  await untilReady(() => admin('GET', '/readyz'), path.join(folder, 'kube-apiserver.log'))
  await writeKubeconfig(path.join(folder, 'admin.json'), url, certificates, { token: ADMIN_TOKEN })
  startProgram(folder, 'kube-controller-manager', [
    `--kubeconfig=${folder}/admin.json`,
    '--leader-elect=false',
    `--controllers=${CONTROLLERS}`,
    '--port=0',
    '--secure-port=0',
  ])
  const kubeconfig = path.join(folder, 'bellows.json')
  const { clientCert, clientKey } = certificates
  await writeKubeconfig(kubeconfig, url, certificates, {
    'client-certificate-data': certificates.base64(clientCert),
    'client-key-data': certificates.base64(clientKey),
  })
  return { admin, kubeconfig }
}

function serverArguments(
  folder: string,
  certificates: Certificates,
  { etcd, port }: { readonly etcd: number; readonly port: number },
): readonly string[] {
  const file = (name: string) => path.join(certificates.folder, name)
  return [
    `--etcd-servers=http://127.0.0.1:${etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${file(certificates.serverCert)}`,
    `--tls-private-key-file=${file(certificates.serverKey)}`,
    `--client-ca-file=${file(certificates.ca)}`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.test',
    `--service-account-signing-key-file=${folder}/service-account.pem`,
    `--service-account-key-file=${folder}/service-account.pem`,
    '--disable-admission-plugins=ServiceAccount',
  ]
}

function startProgram(folder: string, name: string, args: readonly string[]): void {
  const child = spawn(path.join(BINARIES, name), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(path.join(folder, `${name}.log`))
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  cleanUp(() => endProcess(child))
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = await Promise.race([ended, sleep(STOP_MS, 'late', { ref: false })])
  if (late !== 'late') return
  child.kill('SIGKILL')
  await ended
}

function administrator(url: string, certificates: Certificates): ControlPlane['admin'] {
  const agent = new https.Agent({ keepAlive: true, ca: certificates.read(certificates.ca) })
  cleanUp(async () => agent.destroy())
  return async (method, where, body, type = 'application/json') => {
    const content = body === undefined ? '' : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      'content-type': type,
      'content-length': Buffer.byteLength(content),
    }
    const sent = https.request(`${url}${where}`, { method, agent, headers })
    sent.end(content)
    const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    const text = Buffer.concat(await answer.toArray()).toString('utf8')
    if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${where}: ${answer.statusCode} ${text}`)
    return text.startsWith('{') ? JSON.parse(text) : text
  }
}

async function untilReady(ask: () => Promise<unknown>, log: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ask()
      return
    } catch (error) {
      if (attempt >= READY_ATTEMPTS) {
        const words = (await readFile(log, 'utf8')).slice(-2_000)
        throw new Error(`the API server does not become ready: ${words}`, { cause: error })
      }
    }
    await sleep(100)
  }
}

async function writeKubeconfig(
  file: string,
  server: string,
  certificates: Certificates,
  user: object,
): Promise<void> {
  const cluster = { server, 'certificate-authority-data': certificates.base64(certificates.ca) }
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', namespace: 'shop' } }],
  }
  await writeFile(file, JSON.stringify(content), { mode: 0o600 })
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
