import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'vitest'
import { isGroupThere, signalGroup } from '../../../src/adapters/os/process-group.ts'
import { processDeployer } from '../../../src/adapters/process/control-client.ts'
import type { ChildRecord } from '../../../src/adapters/process/records.ts'
import { type Supervisor, superviseProcesses } from '../../../src/adapters/process/supervise.ts'
import { type RolloutChange, rolloutRules } from '../../../src/config.ts'
import type { ProcessesConfig, ProcessRole } from '../../../src/core/processes/config.ts'
import type { FleetInstance, Placement } from '../../../src/core/rollout/fleet.ts'
import type { Deployer } from '../../../src/engine/ports.ts'
import { cleanUp } from '../../support/database.ts'
import { ask } from '../../support/http.ts'

export const APP = path.resolve(import.meta.dirname, '../../support/fixtures/app.mjs')

/** A role whose program is the application of the tests, on a port of the proxy that was free a moment ago. */
export async function webRole(change: Partial<ProcessRole> = {}): Promise<ProcessRole> {
  return {
    command: [process.execPath, APP],
    listen: { host: '127.0.0.1', port: await freePort() },
    instances: 2,
    cwd: '/',
    env: {},
    health: { kind: 'http', path: '/healthz', intervalMs: 50, timeoutMs: 2_000 },
    stopTimeoutMs: 10_000,
    ...change,
  }
}

export function workerRole(change: Partial<ProcessRole> = {}): ProcessRole {
  return {
    command: [process.execPath, APP],
    instances: 1,
    cwd: '/',
    env: {},
    health: { kind: 'alive', intervalMs: 50 },
    stopTimeoutMs: 10_000,
    ...change,
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A folder that ends with the test, and with it all processes that have a record there. */
export async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bellows-state-'))
  cleanUp(async () => {
    const marks = recordsIn(folder).flatMap(({ process }) => (process === undefined ? [] : [process]))
    for (const mark of marks) signalGroup(mark, 'SIGKILL')
    await expect.poll(() => marks.filter(isGroupThere)).toEqual([])
    await rm(folder, { recursive: true, force: true })
  })
  return folder
}

export function recordsIn(state: string): readonly ChildRecord[] {
  const folder = path.join(state, 'instances')
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    return names.map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as ChildRecord)
  } catch {
    return []
  }
}

export interface Supervised {
  readonly state: string
  readonly config: ProcessesConfig
  readonly supervisor: Supervisor
  readonly deployer: Deployer
  /** What it said so far. */
  readonly said: readonly string[]
}

/** A supervisor in this process. Its children are ended with the test. */
export async function supervised(
  roles: Readonly<Record<string, ProcessRole>>,
  state?: string,
  rules: RolloutChange = {},
): Promise<Supervised> {
  const folder = state ?? (await stateFolder())
  const config = { state: folder, roles, rules: rolloutRules(rules) }
  const said: string[] = []
  const supervisor = await superviseProcesses({ config, say: (line) => said.push(line) })
  let ended: Promise<void> | undefined
  const end = (children: 'leave' | 'stop'): Promise<void> => (ended ??= supervisor.end(children))
  cleanUp(() => end('leave'))
  return {
    state: folder,
    config,
    supervisor: { ...supervisor, end },
    deployer: processDeployer(folder),
    said,
  }
}

export const placed = (id: string, role = 'web', slot = 1, version = 'v1'): Placement => ({
  id,
  role,
  slot,
  version,
})

export async function seen(deployer: Deployer, id: string): Promise<FleetInstance> {
  const found = (await deployer.fleet()).find((one) => one.id === id)
  if (found === undefined) throw new Error(`no instance ${id}`)
  return found
}

/** Started, found well, and given work. */
export async function serving(deployer: Deployer, ...placements: readonly Placement[]): Promise<void> {
  for (const placement of placements) await deployer.start(placement)
  for (const { id } of placements) {
    await expect.poll(async () => (await seen(deployer, id)).health.passes).toBeGreaterThan(0)
    await deployer.serve(id)
  }
}

export async function until(deployer: Deployer, id: string, wanted: Partial<FleetInstance>): Promise<void> {
  await expect.poll(() => seen(deployer, id)).toMatchObject(wanted)
}

export function recordOf(state: string, id: string): ChildRecord {
  const found = recordsIn(state).find((record) => record.id === id)
  if (found === undefined) throw new Error(`no record of ${id}`)
  return found
}

/** What the application says of itself, asked at a port. */
export async function about(port: number | undefined): Promise<Record<string, unknown>> {
  return JSON.parse((await ask(port ?? 0)).body) as Record<string, unknown>
}

/** Ends the process of an instance without a word. */
export function kill(state: string, id: string): void {
  process.kill(recordOf(state, id).process?.pid ?? 0, 'SIGKILL')
}
