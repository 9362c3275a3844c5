import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { cleanUp } from './database.ts'
import { builtMain, nodeEnvironment } from './node-process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const STAGE = path.join(ROOT, '.cache', 'examples')
/** For what a registry may take. */
const INSTALL_TIMEOUT_MS = 240_000

/** Nothing is fetched but packages: `prisma generate` works without its engine, and looks only whether there is one. */
const OFFLINE = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }

type Command = readonly [string, ...string[]]

/** How an example is started, or why it cannot be made ready here. */
export type Staged = { readonly command: Command } | { readonly missing: string }

/**
 * An example as a user has it who has copied it: with packages of its own, where it has any, beside a built Bellows. They are
 * installed once, and again when the lock file has changed.
 */
export async function stagedExample(example: string): Promise<Staged> {
  const built = path.resolve(path.dirname(builtMain()), '../..')
  const source = path.join(ROOT, 'examples', example)
  if (!existsSync(path.join(source, 'package.json'))) {
    return { command: [process.execPath, path.join(built, 'examples', example, 'server.mjs')] }
  }
  const stage = path.join(STAGE, example)
  mkdirSync(stage, { recursive: true })
  cpSync(path.join(ROOT, 'examples', 'service.mjs'), path.join(STAGE, 'service.mjs'))
  cpSync(source, stage, { recursive: true, filter: (file) => !/[/](node_modules|generated)/.test(file) })
  const missing = (await installed(stage)) ?? (await run('npm', ['run', 'generate', '--if-present'], stage))
  if (missing !== undefined) return { missing }
  const bellows = path.join(stage, 'node_modules', 'bellows')
  rmSync(bellows, { force: true })
  symlinkSync(built, bellows)
  return { command: [process.execPath, path.join(stage, 'server.mjs')] }
}

async function installed(stage: string): Promise<string | undefined> {
  const lock = path.join(stage, 'package-lock.json')
  const done = path.join(stage, 'node_modules', 'installed-lock.json')
  const isInstalled = existsSync(done) && readFileSync(done).equals(readFileSync(lock))
  const problem = isInstalled
    ? undefined
    : await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], stage)
  if (problem === undefined) cpSync(lock, done)
  return problem
}

/** The example in Python, in an environment of its own. */
export async function stagedPython(): Promise<Staged> {
  const source = path.join(ROOT, 'examples', 'python')
  const stage = path.join(STAGE, 'python')
  const python = path.join(stage, 'bin', 'python')
  const missing =
    (existsSync(python) ? undefined : await run('python3', ['-m', 'venv', stage], ROOT)) ??
    (await run(python, ['-m', 'pip', 'install', '--quiet', '-r', 'requirements.txt'], source))
  return missing === undefined ? { command: [python, path.join(source, 'server.py')] } : { missing }
}

/** The example in Go. */
export async function stagedGo(): Promise<Staged> {
  const program = path.join(STAGE, 'go', 'server')
  const missing = await run('go', ['build', '-o', program, '.'], path.join(ROOT, 'examples', 'go'))
  return missing === undefined ? { command: [program] } : { missing }
}

/** @returns what went wrong, if anything */
async function run(command: string, args: readonly string[], folder: string): Promise<string | undefined> {
  try {
    const env = { ...process.env, ...OFFLINE }
    await promisify(execFile)(command, args, { cwd: folder, env, timeout: INSTALL_TIMEOUT_MS })
    return undefined
  } catch (error) {
    return String(error)
  }
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

/** Not every driver lets the folder of a socket stand in for a host that the URL names, too. */
const withoutHost = (url: string) => url.replace(/@localhost:(\d+)(.*[?])/, '@$2port=$1&')

export async function startExample(
  [command, ...args]: Command,
  database: string,
  env: NodeJS.ProcessEnv,
): Promise<RunningExample> {
  const child = spawn(command, args, {
    env: nodeEnvironment({ ...env, DATABASE_URL: withoutHost(database), PORT: '0' }),
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
  if (!Array.isArray(line)) throw new Error(`${command} ${args.join(' ')} ended before it served: ${stderr}`)
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
