import { BellowsError } from '../../core/errors.ts'
import type { ProcessesConfig } from '../../core/processes/config.ts'
import { fitForWork } from '../../core/processes/health.ts'
import type { FleetInstance, Placement } from '../../core/rollout/fleet.ts'
import type { Deployer } from '../../engine/ports.ts'
import { monotonicMs } from '../os/monotonic.ts'
import type { Surroundings } from './being.ts'
import { type Child, createChild } from './child.ts'
import type { ReverseProxy } from './proxy/proxy.ts'
import type { ChildRecord } from './records.ts'

/** The children of one supervisor. */
export interface Fleet extends Deployer {
  /** Takes over what the supervisor before this one has left. */
  adopt(records: readonly ChildRecord[]): Promise<void>
  /** Ends all processes, those that serve after what is under way; they come back with the next supervisor. */
  halt(drainTimeoutMs: number): Promise<void>
  /** Lets all go their way. */
  leave(): Promise<void>
}

export interface FleetOptions extends Pick<Surroundings, 'records' | 'logs' | 'ports' | 'say'> {
  readonly config: ProcessesConfig
  /** Of the roles that have an address. */
  readonly proxies: ReadonlyMap<string, ReverseProxy>
}

/** A supervisor remembers so many that are gone; the oldest are forgotten by themselves. */
const GONE_MAX = 100
const LINES_MAX = 10_000
/** It becomes the name of files. */
const ID = /^[\w][\w.-]{0,127}$/

export function createFleet(options: FleetOptions): Fleet {
  const { config, proxies } = options
  const table: Table = { options, children: new Map(), starts: new Map() }
  const { children, starts } = table
  return {
    adopt: async (records) => {
      for (const record of records) await add(table, record).adopt()
      for (const role of proxies.keys()) route(table, role)
    },
    fleet: async () => [...children.values()].map((child) => seen(child, proxies)),
    start: async (placement) => {
      checkPlacement(placement, config)
      const { id } = placement
      if (starts.has(id)) return await starts.get(id)
      if (children.has(id)) return
      starts.set(
        id,
        start(table, placement).finally(() => starts.delete(id)),
      )
      await starts.get(id)
    },
    serve: async (id) => {
      const child = known(children, id)
      if (await child.serve()) return
      const { state } = child.record
      throw new BellowsError(
        'instance_unknown',
        `The instance "${id}" is ${state}, so it cannot be given work.`,
      )
    },
    drain: async (id) => await children.get(id)?.drain(),
    stop: async (id) => await children.get(id)?.stop(),
    forget: async (id) => {
      const state = children.get(id)?.record.state
      if (state === 'gone') await forget(table, id)
      else if (state !== undefined)
        throw new BellowsError(
          'phase_order',
          `The instance "${id}" is ${state}, not gone: it is not forgotten.`,
        )
    },
    log: async (id, lines) =>
      await options.logs.tail(known(children, id).record.id, Math.min(lines, LINES_MAX)),
    halt: async (drainTimeoutMs) => {
      await Promise.all([...children.values()].map((child) => halted(child, proxies, drainTimeoutMs)))
    },
    leave: async () => {
      await Promise.all([...children.values()].map((child) => child.leave()))
    },
  }
}

/** The children that there are, and those that are being started. */
interface Table {
  readonly options: FleetOptions
  readonly children: Map<string, Child>
  readonly starts: Map<string, Promise<void>>
}

function add(table: Table, record: ChildRecord): Child {
  const { options, children } = table
  const { id, role } = record
  const child = createChild(record, {
    ...options,
    role: options.config.roles[role],
    changed: () => route(table, role),
    cut: () => options.proxies.get(role)?.cut(id),
  })
  children.set(id, child)
  return child
}

function route({ options, children }: Table, role: string): void {
  const proxy = options.proxies.get(role)
  if (proxy !== undefined)
    routeRequests(
      proxy,
      [...children.values()].filter(({ record }) => record.role === role),
    )
}

async function forget({ options, children }: Table, id: string): Promise<void> {
  children.delete(id)
  await options.records.remove(id)
  await options.logs.remove(id)
}

async function forgetOldest(table: Table): Promise<void> {
  const records = [...table.children.values()].map(({ record }) => record)
  const gone = records.filter(({ state }) => state === 'gone')
  const old = gone.toSorted((a, b) => b.sinceMs - a.sinceMs).slice(GONE_MAX)
  for (const { id } of old) await forget(table, id)
}

async function start(table: Table, placement: Placement): Promise<void> {
  const { id, role, slot, version } = placement
  const child = add(table, {
    id,
    role,
    slot,
    version,
    state: 'starting',
    sinceMs: monotonicMs(),
    restarts: 0,
  })
  try {
    await forgetOldest(table)
    await child.start()
  } catch (error) {
    table.children.delete(id)
    throw error
  }
}

function seen(child: Child, proxies: FleetOptions['proxies']): FleetInstance {
  const { id, role } = child.record
  const proxy = proxies.get(role)
  return { ...child.look(), ...(proxy === undefined ? {} : { inFlight: proxy.inFlight(id) }) }
}

async function halted(child: Child, proxies: FleetOptions['proxies'], drainTimeoutMs: number): Promise<void> {
  const { id, role } = child.record
  const proxy = proxies.get(role)
  proxy?.drain(id)
  await proxy?.drained(id, drainTimeoutMs)
  await child.halt()
}

/** Lets requests go to those that serve and are fit for it, and to nobody else. */
function routeRequests(proxy: ReverseProxy, children: readonly Child[]): void {
  const serving = children.filter(({ record, hasProcess }) => record.state === 'serving' && hasProcess)
  const fit = new Set(fitForWork(serving))
  for (const child of children) {
    const { id, port } = child.record
    if (fit.has(child) && port !== undefined) proxy.admit({ id, port })
    else if (child.hasProcess) proxy.drain(id)
    else proxy.drop(id)
  }
}

function known(children: ReadonlyMap<string, Child>, id: string): Child {
  const child = children.get(id)
  if (child !== undefined) return child
  throw new BellowsError('instance_unknown', `The supervisor knows no instance "${id}".`)
}

function checkPlacement({ id, role }: Placement, { roles }: ProcessesConfig): void {
  if (!ID.test(id))
    throw new BellowsError('name_invalid', `"${id}" cannot be the name of an instance.`, {
      hint: 'It must have 1 to 128 letters, digits, "-", "_" or ".", and begin with a letter or a digit.',
    })
  if (Object.hasOwn(roles, role)) return
  throw new BellowsError('config_invalid', `The supervisor has no role "${role}".`, {
    hint: 'When deploy.processes.roles in the config file has it, start the supervisor again; its children run on.',
  })
}
