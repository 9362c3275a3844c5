import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { AppInstance } from './fleet.ts'

/** What the load saw in one stretch of the demo. */
export interface Stretch {
  readonly name: string
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Load {
  /** From now on requests go to these instances, in turn. */
  route(instances: readonly AppInstance[]): void
  /** What was measured so far gets a name; what follows is measured anew. */
  stretch(name: string): void
  /** Ends when no request is under way to an instance any more. */
  drained(instance: AppInstance): Promise<void>
  stop(): Promise<Served>
}

export interface Served {
  readonly stretches: readonly Stretch[]
  readonly requests: number
  /** Requests that were not answered with 200, or with another value than the one written last. */
  readonly failed: number
  /** The first of them, in words. */
  readonly failures: readonly string[]
  /** The value that each row must have now, by its id. */
  readonly written: ReadonlyMap<number, string>
}

const CLIENTS = 6
/** A client thinks between two requests: the demo shows an ordinary service, not a machine at its limit. */
const THINK_MS = 8
const FAILURES_SHOWN = 5

/**
 * Clients that read and write through whatever instances there are. Each owns some of the rows, so it knows what it must read:
 * the value that it wrote last, through whichever version of the application.
 */
export function startLoad(rows: number): Load {
  const agent = new Agent({ keepAlive: true })
  const written = new Map<number, string>()
  const stretches: Stretch[] = []
  const failures: string[] = []
  const underWay = new Map<string, number>()
  let instances: readonly AppInstance[] = []
  let turn = 0
  let requests = 0
  let latencies: number[] = []
  let isRunning = true

  const send = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    turn += 1
    const instance = instances[turn % instances.length] as AppInstance
    underWay.set(instance.name, (underWay.get(instance.name) ?? 0) + 1)
    const began = performance.now()
    try {
      return await answerOf(agent, `${instance.url}${path}`, method, body)
    } catch (error) {
      failures.push(
        `${method} ${path} at ${instance.name}: ${error instanceof Error ? error.message : String(error)}`,
      )
      return {}
    } finally {
      requests += 1
      latencies.push(performance.now() - began)
      underWay.set(instance.name, (underWay.get(instance.name) ?? 1) - 1)
    }
  }

  const client = async (number: number): Promise<void> => {
    for (let count = 0; isRunning; count += 1) {
      const id = 1 + ((number + CLIENTS * count) % rows)
      const name = `User ${id}, change ${count}`
      if ((await send('PUT', `/users/${id}`, { name })).id !== undefined) written.set(id, name)
      const read = await send('GET', `/users/${id}`)
      if (read.name !== undefined && read.name !== written.get(id))
        failures.push(`row ${id}: read "${String(read.name)}", wrote "${written.get(id)}"`)
      const added = await send('POST', '/users', { name: `New ${number}.${count}` })
      if (added.id !== undefined) written.set(Number(added.id), `New ${number}.${count}`)
      await wait(THINK_MS)
    }
  }

  let clients: readonly Promise<void>[] = []
  return {
    route: (to) => {
      instances = to
      if (clients.length === 0) clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
    },
    stretch: (name) => {
      stretches.push({
        name,
        requests: latencies.length,
        p50Ms: percentile(latencies, 0.5),
        p99Ms: percentile(latencies, 0.99),
      })
      latencies = []
    },
    drained: async ({ name }) => {
      while ((underWay.get(name) ?? 0) > 0) await wait(5)
    },
    stop: async () => {
      isRunning = false
      await Promise.all(clients)
      agent.destroy()
      return {
        stretches,
        requests,
        failed: failures.length,
        failures: failures.slice(0, FAILURES_SHOWN),
        written,
      }
    },
  }
}

function answerOf(
  agent: Agent,
  url: string,
  method: string,
  body: object | undefined,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if (response.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>)
        else reject(new Error(`${response.statusCode} ${text}`))
      })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function percentile(latencies: readonly number[], share: number): number {
  const sorted = latencies.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
