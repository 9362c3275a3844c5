import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { cleanUp } from './database.ts'
import { builtMain, nodeEnvironment } from './node-process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const STAGE = path.join(ROOT, '.cache', 'examples')
/** For what a registry may take. */
const INSTALL_TIMEOUT_MS = 240_000

/** Nothing is fetched but packages: `prisma generate` works without its engine, and looks only whether there is one. */
const OFFLINE = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }

/**
 * An example as a user has it who has copied it: with packages of its own, where it has any, beside a built Bellows. They are
 * installed once, and again when the lock file has changed.
 * @returns its program, or why it cannot be installed here
 */
export function stagedExample(example: string): { readonly program: string } | { readonly missing: string } {
  const built = path.resolve(path.dirname(builtMain()), '../..')
  const source = path.join(ROOT, 'examples', example)
  if (!existsSync(path.join(source, 'package.json'))) {
    return { program: path.join(built, 'examples', example, 'server.mjs') }
  }
  const stage = path.join(STAGE, example)
  mkdirSync(stage, { recursive: true })
  cpSync(path.join(ROOT, 'examples', 'service.mjs'), path.join(STAGE, 'service.mjs'))
  cpSync(source, stage, { recursive: true, filter: (file) => !/[/](node_modules|generated)/.test(file) })
  const missing = installed(stage) ?? npm(stage, 'run', 'generate', '--if-present')
  if (missing !== undefined) return { missing }
  const bellows = path.join(stage, 'node_modules', 'bellows')
  rmSync(bellows, { force: true })
  symlinkSync(built, bellows)
  return { program: path.join(stage, 'server.mjs') }
}

function installed(stage: string): string | undefined {
  const lock = path.join(stage, 'package-lock.json')
  const done = path.join(stage, 'node_modules', 'installed-lock.json')
  const isInstalled = existsSync(done) && readFileSync(done).equals(readFileSync(lock))
  const problem = isInstalled
    ? undefined
    : npm(stage, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline')
  if (problem === undefined) cpSync(lock, done)
  return problem
}

function npm(folder: string, ...args: string[]): string | undefined {
  const ran = spawnSync('npm', args, {
    cwd: folder,
    env: { ...process.env, ...OFFLINE },
    encoding: 'utf8',
    timeout: INSTALL_TIMEOUT_MS,
  })
  return ran.status === 0 ? undefined : `npm ${args.join(' ')}: ${ran.error?.message ?? ran.stderr}`
}

export interface Health {
  readonly ok: boolean
  readonly because: readonly string[]
}

export interface RunningExample {
  health(): Promise<Health>
  read(id: number): Promise<unknown>
  add(name: string): Promise<number>
  change(id: number, name: string): Promise<void>
  /** Tells it to stop, and waits for its end. */
  stop(): Promise<void>
  /** The code that it ends with. */
  readonly ended: Promise<number | null>
  stderr(): string
}

export async function startExample(program: string, env: NodeJS.ProcessEnv): Promise<RunningExample> {
  const child = spawn(process.execPath, [program], {
    env: nodeEnvironment({ ...env, PORT: '0' }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  cleanUp(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])
  if (!Array.isArray(line)) throw new Error(`${program} ended before it served: ${stderr}`)
  const { port } = JSON.parse(String(line[0])) as { port: number }

  const ask = async (method: string, place: string, name?: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/${place}`, {
      method,
      ...(name === undefined ? {} : { body: JSON.stringify({ name }) }),
    })
    if (!answer.ok && place !== 'healthz') throw new Error(`${method} ${place}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    health: async () => (await ask('GET', 'healthz')) as Health,
    read: (id) => ask('GET', `users/${id}`),
    add: async (name) => ((await ask('POST', 'users', name)) as { id: number }).id,
    change: async (id, name) => void (await ask('PUT', `users/${id}`, name)),
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
    ended,
    stderr: () => stderr,
  }
}
