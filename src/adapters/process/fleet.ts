import { BellowsError } from '../../core/errors.ts'
import type { ProcessesConfig } from '../../core/processes/config.ts'
import { fitForWork } from '../../core/processes/health.ts'
import type { Placement } from '../../core/rollout/fleet.ts'
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
  /** Ends all processes, and waits for that. Those that serve come back with the next supervisor. */
  halt(): Promise<void>
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
  const children = new Map<string, Child>()

  const add = (record: ChildRecord): Child => {
    const { id, role } = record
    const child = createChild(record, {
      ...options,
      role: config.roles[role],
      changed: () => route(role),
      cut: () => proxies.get(role)?.cut(id),
    })
    children.set(id, child)
    return child
  }
  const route = (role: string): void => {
    const proxy = proxies.get(role)
    if (proxy !== undefined)
      routeRequests(
        proxy,
        [...children.values()].filter(({ record }) => record.role === role),
      )
  }
  const forget = async (id: string): Promise<void> => {
    children.delete(id)
    await options.records.remove(id)
    await options.logs.remove(id)
  }
  const forgetOldest = async (): Promise<void> => {
    const gone = [...children.values()].map(({ record }) => record).filter(({ state }) => state === 'gone')
    const old = gone.toSorted((a, b) => b.sinceMs - a.sinceMs).slice(GONE_MAX)
    for (const { id } of old) await forget(id)
  }
  const start = async (placement: Placement): Promise<void> => {
    const { id, role, slot, version } = placement
    const child = add({ id, role, slot, version, state: 'starting', sinceMs: monotonicMs(), restarts: 0 })
    try {
      await forgetOldest()
      await child.start()
    } catch (error) {
      children.delete(id)
      throw error
    }
  }
  return {
    adopt: async (records) => {
      for (const record of records) await add(record).adopt()
      for (const role of proxies.keys()) route(role)
    },
    fleet: async () =>
      [...children.values()].map((child) => {
        const proxy = proxies.get(child.record.role)
        return {
          ...child.look(),
          ...(proxy === undefined ? {} : { inFlight: proxy.inFlight(child.record.id) }),
        }
      }),
    start: async (placement) => {
      checkPlacement(placement, config)
      if (!children.has(placement.id)) await start(placement)
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
      if (state === 'gone') await forget(id)
      else if (state !== undefined)
        throw new BellowsError(
          'phase_order',
          `The instance "${id}" is ${state}, not gone: it is not forgotten.`,
        )
    },
    log: async (id, lines) =>
      await options.logs.tail(known(children, id).record.id, Math.min(lines, LINES_MAX)),
    halt: async () => {
      await Promise.all([...children.values()].map((child) => child.halt()))
    },
    leave: async () => {
      await Promise.all([...children.values()].map((child) => child.leave()))
    },
  }
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
