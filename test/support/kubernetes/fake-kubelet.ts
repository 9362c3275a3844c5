import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanUp } from '../database.ts'
import { builtMain, nodeEnvironment } from '../node-process.ts'
import { type Answer, type ControlPlane, endProcess } from './control-plane.ts'

const TURN_MS = 200
const NODE = 'node-1'
const MERGE = 'application/merge-patch+json'

export interface KubeletOptions {
  readonly namespace: string
  /** Variables of every process, such as the database. */
  readonly env: Readonly<Record<string, string>>
  /** Between "told to end" and the signal, as a preStop hook that sleeps. */
  readonly preStopMs: number
}

interface Running {
  readonly child: ChildProcess
  readonly port: Promise<number | undefined>
  isReady: boolean
  isEnding: boolean
}

/**
 * A scheduler and a kubelet in one: every pod becomes a process of the example application, whose version is the tag of the
 * image; the tag `missing` cannot be pulled, `hang` never becomes ready, and a container with a command runs that. Readiness is the answer of the process.
 */
export function startFakeKubelet(
  { admin }: ControlPlane,
  options: KubeletOptions,
): { readonly errors: readonly string[] } {
  const running = new Map<string, Running>()
  const errors: string[] = []
  const pods = `/api/v1/namespaces/${options.namespace}/pods`
  let isStopped = false

  const turn = async () => {
    const { items } = await admin('GET', pods)
    for (const pod of items as Answer[]) await oneTurn(pod)
  }

  const oneTurn = async (pod: Answer) => {
    const { name, uid, deletionTimestamp } = pod.metadata
    const mine = running.get(uid)
    if (deletionTimestamp !== undefined) return await end(pod, mine)
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: NODE }
      await admin('POST', `${pods}/${name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target,
      })
    } else if (tagOf(pod) === 'missing') {
      if (pod.status.containerStatuses === undefined) await tell(pod, notPulled(pod))
    } else if (tagOf(pod) === 'hang') {
      if (pod.status.phase !== 'Running') await tell(pod, { phase: 'Running' })
    } else if (mine === undefined) running.set(uid, startPod(pod, options.env))
    else if (mine.child.exitCode !== null) {
      const phase = mine.child.exitCode === 0 ? 'Succeeded' : 'Failed'
      if (pod.status.phase !== phase) await tell(pod, { phase })
    } else if (!mine.isReady && (hasCommand(pod) || (await isHealthy(mine)))) {
      mine.isReady = true
      await tell(pod, ready(pod))
    }
  }

  const end = async (pod: Answer, mine: Running | undefined) => {
    const { name, uid } = pod.metadata
    const isGone = mine === undefined || mine.child.exitCode !== null || mine.child.signalCode !== null
    if (isGone) {
      running.delete(uid)
      await admin('DELETE', `${pods}/${name}`, { gracePeriodSeconds: 0, preconditions: { uid } })
    } else if (!mine.isEnding) {
      mine.isEnding = true
      setTimeout(() => mine.child.kill('SIGTERM'), options.preStopMs)
    }
  }

  const tell = async (pod: Answer, status: object) => {
    await admin('PATCH', `${pods}/${pod.metadata.name}/status`, { status }, MERGE)
  }

  const loop = (async () => {
    while (!isStopped) {
      // A pod that somebody changes at the same moment has its next turn.
      await turn().catch((error: unknown) => errors.push(String(error)))
      await sleep(TURN_MS)
    }
  })()
  cleanUp(async () => {
    isStopped = true
    await loop
    await Promise.all([...running.values()].map(({ child }) => endProcess(child)))
  })
  return { errors }
}

function startPod(pod: Answer, env: Readonly<Record<string, string>>): Running {
  const [container] = pod.spec.containers
  const own = Object.fromEntries((container.env ?? []).map((one: Answer) => [one.name, one.value ?? '']))
  const server = path.join(path.dirname(builtMain()), '..', '..', 'examples', 'http-app', 'server.mjs')
  const command: readonly string[] = container.command ?? [server]
  const child = spawn(process.execPath, [...command], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: nodeEnvironment({ ...own, ...env, APP_VERSION: tagOf(pod), INSTANCE: pod.metadata.name, PORT: '0' }),
  })
  const lines = createInterface({ input: child.stdout })
  const port = Promise.race([once(lines, 'line'), once(child, 'exit')]).then(([line]: unknown[]) =>
    typeof line === 'string' ? (JSON.parse(line) as { readonly port: number }).port : undefined,
  )
  return { child, port, isReady: false, isEnding: false }
}

/** What is not the application has no health to ask for. */
function hasCommand(pod: Answer): boolean {
  return pod.spec.containers[0].command !== undefined
}

async function isHealthy({ port }: Running): Promise<boolean> {
  const known = await Promise.race([port, sleep(1)])
  if (known === undefined) return false
  try {
    const answer = await fetch(`http://127.0.0.1:${known}/healthz`, { signal: AbortSignal.timeout(2_000) })
    return answer.ok && ((await answer.json()) as { readonly ok: boolean }).ok
  } catch {
    return false
  }
}

function tagOf(pod: Answer): string {
  return String(pod.spec.containers[0].image).split(':').at(-1) ?? ''
}

function ready(pod: Answer): object {
  const time = new Date().toISOString()
  const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: time,
  }))
  const [{ name, image }] = pod.spec.containers
  const containerStatuses = [
    { name, image, imageID: image, ready: true, restartCount: 0, state: { running: { startedAt: time } } },
  ]
  return { phase: 'Running', conditions, containerStatuses }
}

function notPulled(pod: Answer): object {
  const [{ name, image }] = pod.spec.containers
  const waiting = { reason: 'ErrImagePull', message: `"${image}": not found` }
  return {
    phase: 'Pending',
    containerStatuses: [{ name, image, imageID: '', ready: false, restartCount: 0, state: { waiting } }],
  }
}
