import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { SUPERUSER } from '../../src/adapters/postgres/embedded/address.ts'
import { cleanUp } from './database.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const EXAMPLES = path.join(ROOT, 'examples')
/** What whoever tries an example installs and makes there. */
const NOT_OURS = /[/](node_modules|generated)([/]|$)/
const BUILDS = path.join(ROOT, '.cache', 'test-build')
/** A build of sources that nobody has any more. Long enough that no other test run still uses it. */
const STALE_BUILD_MS = 24 * 3_600_000

let main: string | undefined

/** The program as it would be published, built from the sources as they are; once for all test files. */
export function builtMain(): string {
  main ??= path.join(builtFolder(), 'dist', 'cli', 'main.js')
  return main
}

function builtFolder(): string {
  const hash = createHash('sha256')
  const others = [
    'tsconfig.json',
    'package.json',
    'migration.schema.json',
    'scripts/build.mjs',
    'scripts/bundle.mjs',
  ]
  const files = [
    ...filesOf(path.join(ROOT, 'src')),
    ...filesOf(EXAMPLES),
    ...others.map((name) => path.join(ROOT, name)),
  ]
  for (const file of files) hash.update(`${path.relative(ROOT, file)}\0`).update(readFileSync(file))
  const folder = path.join(BUILDS, hash.digest('hex').slice(0, 16))
  if (!existsSync(folder)) build(folder)
  return folder
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => !NOT_OURS.test(file.slice(ROOT.length)) && statSync(file).isFile())
    .sort()
}

/** Beside its place, and then moved there whole: of several that build at once one wins, and the others see its build. */
function build(folder: string): void {
  removeStaleBuilds()
  const fresh = `${folder}.${process.pid}`
  const program = path.join(ROOT, 'scripts', 'build.mjs')
  const built = spawnSync(process.execPath, [program, path.join(fresh, 'dist')], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`src does not compile:\n${built.stdout}${built.stderr}`)
  cpSync(EXAMPLES, path.join(fresh, 'examples'), {
    recursive: true,
    filter: (file) => !NOT_OURS.test(file.slice(ROOT.length)),
  })
  // The program looks there for its version, and Node.js for the kind of module.
  cpSync(path.join(ROOT, 'package.json'), path.join(fresh, 'package.json'))
  cpSync(path.join(ROOT, 'migration.schema.json'), path.join(fresh, 'migration.schema.json'))
  try {
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

function removeStaleBuilds(): void {
  mkdirSync(BUILDS, { recursive: true })
  for (const folder of readdirSync(BUILDS).map((name) => path.join(BUILDS, name))) {
    const madeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (madeMs < Date.now() - STALE_BUILD_MS) rmSync(folder, { recursive: true, force: true })
  }
}

/** The environment of a node: nothing in it says where a database is. */
export function nodeEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|DATABASE_URL$|DIRECT_URL$)/.test(name))
  return { ...Object.fromEntries(kept), ...more }
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** All lines of stdout; the last one is empty when the output ended with a newline, as it should. */
  readonly lines: readonly string[]
  readonly stderr: string
}

export interface NodeProcess {
  readonly pid: number
  /** What was written to stdout so far, to the byte. */
  stdout(): string
  stderr(): string
  isRunning(): boolean
  write(text: string): void
  /** The next line that was not taken yet. Fails when the process ends before. */
  line(): Promise<string>
  /** What was written behind the lines that were taken. */
  rest(): string
  /** One message, and the next line as its reply. */
  ask(message: object | string): Promise<string>
  /** Closes its input and waits for its end. */
  end(text?: string): Promise<Ended>
  signal(name: NodeJS.Signals): void
  kill(): Promise<Ended>
  readonly ended: Promise<Ended>
  readonly child: ChildProcessWithoutNullStreams
  /** Where its embedded server has its folder; absent for a node on a database that is there already. */
  readonly place: string | undefined
}

/** Starts `bellows node` with arguments. It is killed after the test, and what it started itself is waited for. */
export function startNode(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): NodeProcess {
  const needsServer = !args.includes('--database')
  const place = needsServer ? serverPlace() : undefined
  const child = spawn(process.execPath, [builtMain(), 'node', ...args], {
    stdio: 'pipe',
    env: nodeEnvironment({ ...(place === undefined ? {} : { TMPDIR: place }), ...env }),
  })
  cleanUp(async () => {
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await node.ended
    if (place !== undefined) await removePlace(place)
  })
  const node = { ...followed(child), place }
  return node
}

function privateFolder({ place = '' }: NodeProcess): string {
  return path.join(place, readdirSync(place).find((name) => name.startsWith('bellows-')) ?? '')
}

/** The server of a node that keeps nothing. */
export function postmasterOf(node: NodeProcess): number {
  return Number.parseInt(readFileSync(path.join(privateFolder(node), 'pgdata', 'postmaster.pid'), 'utf8'), 10)
}

/** The demo database of a node that keeps nothing, through the socket in its private folder. */
export function demoUrl(node: NodeProcess): string {
  const host = encodeURIComponent(path.join(privateFolder(node), 'run'))
  return `postgres://${SUPERUSER}@localhost:5432/demo?host=${host}&sslmode=disable`
}

/** The demo database in a kept folder, once a node has it running. */
export async function keptUrl(folder: string): Promise<string> {
  const lock = path.join(folder, 'bellows.lock')
  await until(
    () => existsSync(path.join(folder, 'pgdata', 'postmaster.pid')) && existsSync(lock),
    'a server runs',
  )
  const { url } = JSON.parse(readFileSync(lock, 'utf8')) as { readonly url: string }
  return url.replace('/postgres?', '/demo?')
}

/** Rows of one query, on a session of its own. */
export async function queryAt<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** A folder for the server of one node, which the server's user can pass through. */
function serverPlace(): string {
  const place = mkdtempSync(path.join(tmpdir(), 'node-'))
  chmodSync(place, 0o711)
  return place
}

const WATCHDOG_MS = 30_000

/** The watchdog of a killed node stops the server and removes its folder; only then is nothing left. */
async function removePlace(place: string): Promise<void> {
  for (const end = performance.now() + WATCHDOG_MS; performance.now() < end; await sleep(10)) {
    if (!readdirSync(place).some((name) => name.startsWith('bellows-'))) break
  }
  rmSync(place, { recursive: true, force: true })
}

function followed(child: ChildProcessWithoutNullStreams): Omit<NodeProcess, 'place'> {
  let stdout = ''
  let stderr = ''
  let taken = 0
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const go of waiting) go()
    waiting.clear()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // Writing to a process that is gone fails; that it is gone is seen by its end.
  child.stdin.on('error', () => {})
  let isRunning = true
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    isRunning = false
    wake()
    return {
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      lines: stdout.split('\n'),
      stderr,
    }
  })

  async function line(): Promise<string> {
    for (;;) {
      const end = stdout.indexOf('\n', taken)
      if (end !== -1) {
        const found = stdout.slice(taken, end)
        taken = end + 1
        return found
      }
      if (!isRunning) throw new Error(`the node ended before it answered; stderr: ${stderr}`)
      await new Promise<void>((resolve) => {
        waiting.add(resolve)
      })
    }
  }

  const write = (text: string): void => void child.stdin.write(text)
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    isRunning: () => isRunning,
    write,
    line,
    rest: () => stdout.slice(taken),
    ask: (message) => {
      write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
      return line()
    },
    end: (text) => {
      child.stdin.end(text)
      return ended
    },
    signal: (name) => void child.kill(name),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
    ended,
    child,
  }
}

/** Waits until something holds that no process tells of. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  what: string,
  withinMs = 60_000,
): Promise<void> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(5)) {
    if (await holds()) return
  }
  throw new Error(`still not so after ${withinMs} ms: ${what}`)
}
