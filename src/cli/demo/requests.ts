import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { AppInstance } from './fleet.ts'

/** What was seen in one stretch of the demo. */
export interface Stretch {
  readonly name: string
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends requests to whatever instances there are, in turn, and measures them. */
export interface Requests {
  /** From now on requests go to these instances. */
  route(instances: readonly AppInstance[]): void
  /** The answer; an empty object when the request failed, which is written down. */
  send(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>>
  failed(because: string): void
  /** What was measured so far gets a name; what follows is measured anew. */
  stretch(name: string): void
  /** Ends when no request is under way to an instance any more. */
  drained(instance: AppInstance): Promise<void>
  figures(): {
    readonly requests: number
    readonly stretches: readonly Stretch[]
    readonly failures: readonly string[]
  }
  close(): void
}

export function createRequests(): Requests {
  const agent = new Agent({ keepAlive: true })
  const stretches: Stretch[] = []
  const failures: string[] = []
  const underWay = new Map<string, number>()
  let instances: readonly AppInstance[] = []
  let requests = 0
  let latencies: number[] = []

  const failed = (because: string): void => {
    failures.push(because)
  }
  const count = (instance: AppInstance, more: number): void => {
    underWay.set(instance.name, (underWay.get(instance.name) ?? 0) + more)
  }
  return {
    failed,
    route: (to) => {
      instances = to
    },
    send: async (method, path, body) => {
      const instance = instances[requests % instances.length] as AppInstance
      requests += 1
      count(instance, 1)
      const began = performance.now()
      try {
        return await answerOf(agent, `${instance.url}${path}`, { method, body })
      } catch (error) {
        failed(
          `${method} ${path} at ${instance.name}: ${error instanceof Error ? error.message : String(error)}`,
        )
        return {}
      } finally {
        latencies.push(performance.now() - began)
        count(instance, -1)
      }
    },
    stretch: (name) => {
      stretches.push({ name, requests: latencies.length, ...percentiles(latencies) })
      latencies = []
    },
    drained: async ({ name }) => {
      while ((underWay.get(name) ?? 0) > 0) await wait(5)
    },
    figures: () => ({ requests, stretches, failures }),
    close: () => agent.destroy(),
  }
}

interface Asked {
  readonly method: string
  readonly body: object | undefined
}

function answerOf(agent: Agent, url: string, { method, body }: Asked): Promise<Record<string, unknown>> {
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

function percentiles(latencies: readonly number[]): Pick<Stretch, 'p50Ms' | 'p99Ms'> {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
