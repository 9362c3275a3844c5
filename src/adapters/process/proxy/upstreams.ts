import { Agent } from 'node:http'
import type { ProxyLimits } from './limits.ts'

/** An instance that listens on this machine. */
export interface Upstream {
  readonly id: string
  readonly port: number
}

/** An upstream with what is under way to it. */
export interface Member extends Upstream {
  /** Its connections that may be used again. */
  readonly agent: Agent
  /** Counts a request as under way until its end. */
  lease(): Lease
}

/** A request under way, or a connection that was upgraded. */
export interface Lease {
  /** The connection is no longer one of requests: nobody but its ends, or `cut`, will end it. */
  upgraded(cut: () => void): void
  end(): void
}

export interface Upstreams {
  /** From now on it gets requests. Also puts back one that was drained. */
  admit(upstream: Upstream): void
  /** It gets no new requests; what is under way goes on. */
  drain(id: string): void
  /** Ends its upgraded connections. */
  cut(id: string): void
  /** It is gone. */
  drop(id: string): void
  /** Requests and upgraded connections under way to it. */
  inFlight(id: string): number
  /** The one with the fewest requests under way that was not tried yet. */
  choose(tried: ReadonlySet<Member>): Member | undefined
  /** Of all, also of those that are gone. */
  readonly underWay: number
}

interface Entry extends Member {
  inFlight: number
  isAdmitted: boolean
  readonly cuts: Set<() => void>
}

export function createUpstreams({ upstreamIdleMs }: ProxyLimits): Upstreams {
  const entries = new Map<string, Entry>()
  const leases = new Set<Lease>()

  const withhold = (entry: Entry | undefined): void => {
    if (entry === undefined) return
    entry.isAdmitted = false
    closeIdle(entry.agent)
  }
  return {
    admit: (upstream) => {
      let entry = entries.get(upstream.id)
      if (entry?.port !== upstream.port) {
        withhold(entry)
        entry = createEntry(upstream, upstreamIdleMs, leases)
        entries.set(upstream.id, entry)
      }
      entry.isAdmitted = true
    },
    drain: (id) => withhold(entries.get(id)),
    cut: (id) => {
      for (const end of entries.get(id)?.cuts ?? []) end()
    },
    drop: (id) => {
      withhold(entries.get(id))
      entries.delete(id)
    },
    inFlight: (id) => entries.get(id)?.inFlight ?? 0,
    choose: (tried) => {
      const able = [...entries.values()].filter((entry) => entry.isAdmitted && !tried.has(entry))
      const least = Math.min(...able.map(({ inFlight }) => inFlight))
      const chosen = able.find(({ inFlight }) => inFlight === least)
      // Among equals they take turns: the chosen one goes to the end.
      if (chosen !== undefined && entries.delete(chosen.id)) entries.set(chosen.id, chosen)
      return chosen
    },
    get underWay() {
      return leases.size
    },
  }
}

function createEntry({ id, port }: Upstream, idleMs: number, leases: Set<Lease>): Entry {
  const entry: Entry = {
    id,
    port,
    agent: new Agent({ keepAlive: true, timeout: idleMs }),
    inFlight: 0,
    isAdmitted: false,
    cuts: new Set(),
    lease: () => createLease(entry, leases),
  }
  return entry
}

function createLease(entry: Entry, leases: Set<Lease>): Lease {
  let remove = (): void => undefined
  const lease: Lease = {
    upgraded: (cut) => {
      entry.cuts.add(cut)
      remove = () => void entry.cuts.delete(cut)
    },
    end: () => {
      if (!leases.delete(lease)) return
      remove()
      entry.inFlight -= 1
      // Its connection becomes idle only after this, and an idle one would keep an instance from ending.
      if (!entry.isAdmitted) setImmediate(() => closeIdle(entry.agent))
    },
  }
  leases.add(lease)
  entry.inFlight += 1
  return lease
}

function closeIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}
