import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BellowsError, type DemoDatabase, type Deployer, processDeployer } from '../../index.ts'
import { openLeash } from './leash.ts'

/** Where somebody uses Bellows: a folder with a config file and migrations, a supervisor that runs there, and the commands. */
export interface Site {
  readonly folder: string
  /** Where the application takes requests, as soon as it was deployed. */
  readonly url: string
  readonly deployer: Deployer
  /** Runs a command as anybody does, and shows all that it says or only its result. */
  run(args: readonly string[], shown: 'all' | 'result'): Promise<Ran>
  /** Ends the supervisor with all instances. */
  end(): Promise<void>
}

export interface Ran {
  readonly code: number
  /** What was not shown. */
  readonly said: string
}

export const INSTANCES = 3

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
const SERVER = fileURLToPath(new URL('../../../examples/http-app/server.mjs', import.meta.url))
export const SUPERVISE = ['supervise', '--stop-children']
const STATE = 'state'
const POLL_MS = 50
/** Longer than the supervisor waits for requests, and then for an instance that does not end. */
const END_DEADLINE_MS = 30_000

/** Everything as in docs/deploy.md, but for times: nobody waits minutes for a demo, whose clients are its own. */
function configOf(port: number): object {
  const web = {
    command: [process.execPath, SERVER],
    listen: port,
    instances: INSTANCES,
    env: { APP_VERSION: '{version}', INSTANCE: '{instance}' },
    health: { intervalMs: 200 },
    stopTimeoutMs: 10_000,
  }
  return {
    deploy: {
      processes: { state: STATE, roles: { web } },
      rollout: { minHealthyMs: 500, pollMs: 200 },
    },
    settings: { gate: { quietMs: 3_000 } },
  }
}

/** @param migrations file names and what is in them */
export async function startSite(
  database: DemoDatabase,
  migrations: Readonly<Record<string, object>>,
): Promise<Site> {
  const folder = path.join(database.folder, 'site')
  const port = await freePort()
  await mkdir(path.join(folder, 'migrations'), { recursive: true, mode: 0o700 })
  const files = { 'bellows.config.json': configOf(port), ...migrations }
  for (const [name, content] of Object.entries(files))
    await writeFile(path.join(folder, name), JSON.stringify(content, undefined, 2))
  const leash = await openLeash(folder)
  // The database of whoever runs the demo stays out of it.
  const env = { ...process.env, DIRECT_URL: '', DATABASE_URL: database.url, ...leash.env }
  const start = (args: readonly string[], says: 'inherit' | 'pipe'): ChildProcess =>
    // A group of its own: Ctrl-C is for this process, and the leash tells the others.
    spawn(process.execPath, [MAIN, ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'inherit', says],
      detached: true,
    })
  const supervisor = start(SUPERVISE, 'pipe')
  const ended = outcomeOf(supervisor)
  const deployer = processDeployer(path.join(folder, STATE))
  const end = async (): Promise<void> => {
    supervisor.kill('SIGTERM')
    await Promise.race([ended, wait(END_DEADLINE_MS, undefined, { ref: false })])
    await leash.release()
  }
  const gone = ended.then(refused)
  gone.catch(() => undefined)
  const run: Site['run'] = (args, shown) =>
    Promise.race([outcomeOf(start(args, shown === 'all' ? 'inherit' : 'pipe')), gone])
  try {
    await Promise.race([untilAnswered(deployer), gone])
  } catch (error) {
    await end()
    throw error
  }
  return { folder, url: `http://127.0.0.1:${port}`, deployer, run, end }
}

async function outcomeOf(child: ChildProcess): Promise<Ran> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? 1, said }
}

async function untilAnswered(deployer: Deployer): Promise<void> {
  while (
    !(await deployer.fleet().then(
      () => true,
      () => false,
    ))
  )
    await wait(POLL_MS)
}

function refused({ said }: Ran): never {
  throw new BellowsError('embedded_failed', `The supervisor of the demo has ended: ${said.trim()}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
