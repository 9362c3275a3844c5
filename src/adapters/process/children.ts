import type { ProcessesConfig } from '../../core/processes/config.ts'
import { fitForWork } from '../../core/processes/health.ts'
import type { FleetInstance, Placement } from '../../core/rollout/fleet.ts'
import { monotonicMs } from '../os/monotonic.ts'
import type { Surroundings } from './being.ts'
import { type Child, createChild } from './child.ts'
import type { ReverseProxy } from './proxy/proxy.ts'
import type { ChildRecord } from './records.ts'

export interface ChildrenOptions extends Pick<Surroundings, 'records' | 'logs' | 'ports' | 'say'> {
  readonly config: ProcessesConfig
  /** Of the roles that have an address. */
  readonly proxies: ReadonlyMap<string, ReverseProxy>
}

/** All children of one supervisor, each known to the proxy of its role. */
export interface Children {
  all(): readonly Child[]
  get(id: string): Child | undefined
  start(placement: Placement): Promise<void>
  adopt(records: readonly ChildRecord[]): Promise<void>
  forget(id: string): Promise<void>
  look(): readonly FleetInstance[]
}

/** So many that are gone are remembered; the oldest are forgotten by themselves. */
const GONE_MAX = 100

export function createChildren(options: ChildrenOptions): Children {
  const { config, proxies, records, logs } = options
  const children = new Map<string, Child>()
  const all = (): readonly Child[] => [...children.values()]
  const route = (role: string): void => {
    const proxy = proxies.get(role)
    const ofRole = all().filter(({ record }) => record.role === role)
    if (proxy !== undefined) routeRequests(proxy, ofRole)
  }
  const add = (record: ChildRecord): Child => {
    const { id, role } = record
    const child = createChild(record, {
      ...options,
      role: config.roles[role],
      rules: config.rules,
      changed: () => route(role),
      cut: () => proxies.get(role)?.cut(id),
    })
    children.set(id, child)
    return child
  }
  const forget = async (id: string): Promise<void> => {
    children.delete(id)
    await records.remove(id)
    await logs.remove(id)
  }
  return {
    all,
    get: (id) => children.get(id),
    forget,
    start: async ({ id, role, slot, version }) => {
      const child = add({ id, role, slot, version, state: 'starting', sinceMs: monotonicMs(), restarts: 0 })
      try {
        for (const old of oldest(all())) await forget(old)
        await child.start()
      } catch (error) {
        children.delete(id)
        throw error
      }
    },
    adopt: async (found) => {
      for (const record of found) await add(record).adopt()
      for (const role of proxies.keys()) route(role)
    },
    look: () =>
      all().map((child) => {
        const { role, id } = child.record
        // Nobody sends a worker anything: what it has begun it ends when it is told to stop.
        return { ...child.look(), inFlight: proxies.get(role)?.inFlight(id) ?? 0 }
      }),
  }
}

function oldest(children: readonly Child[]): readonly string[] {
  const gone = children.map(({ record }) => record).filter(({ state }) => state === 'gone')
  const newestFirst = gone.toSorted((a, b) => b.sinceMs - a.sinceMs)
  return newestFirst.slice(GONE_MAX).map(({ id }) => id)
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
