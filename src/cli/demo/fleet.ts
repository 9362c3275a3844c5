import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BellowsError } from '../../index.ts'

/** A running application process. */
export interface AppInstance {
  readonly name: string
  readonly version: number
  readonly url: string
  /** Lets it finish what is in flight, and waits for its end. */
  stop(): Promise<void>
}

const SERVER = fileURLToPath(new URL('../../../examples/http-app/server.mjs', import.meta.url))
const HEALTH_EVERY_MS = 50
const HEALTH_DEADLINE_MS = 20_000
const STOP_DEADLINE_MS = 10_000

/** Starts one instance and waits until it answers that it is healthy. */
export async function startInstance(name: string, version: number, database: string): Promise<AppInstance> {
  const child = spawn(process.execPath, [SERVER], {
    // The channel tells it when this process is gone, however it went.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, DATABASE_URL: database, APP_VERSION: String(version), INSTANCE: name, PORT: '0' },
  })
  const ended = once(child, 'exit')
  try {
    const url = `http://127.0.0.1:${await portOf(child, ended)}`
    await untilHealthy(name, url)
    return { name, version, url, stop: () => stopChild(child, ended) }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

async function portOf(child: ChildProcess, ended: Promise<unknown>): Promise<number> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const line = await Promise.race([once(lines, 'line'), ended])
  const text: unknown = Array.isArray(line) ? line[0] : undefined
  if (typeof text !== 'string')
    throw new BellowsError('embedded_failed', 'An instance of the demo ended before it listened.')
  return (JSON.parse(text) as { port: number }).port
}

async function untilHealthy(name: string, url: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < HEALTH_DEADLINE_MS; waitedMs += HEALTH_EVERY_MS) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer?.ok === true && ((await answer.json()) as { ok: boolean }).ok) return
    await wait(HEALTH_EVERY_MS)
  }
  throw new BellowsError(
    'embedded_failed',
    `The instance ${name} did not become healthy within ${HEALTH_DEADLINE_MS / 1000} s.`,
  )
}

async function stopChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const late = wait(STOP_DEADLINE_MS, 'late' as const, { ref: false })
  if ((await Promise.race([ended, late])) !== 'late') return
  child.kill('SIGKILL')
  await ended
}
