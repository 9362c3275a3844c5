import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'

/** What was seen in one stretch of the demo. */
export interface Stretch {
  readonly name: string
  /** Requests that each version of the application answered. */
  readonly answered: ReadonlyMap<string, number>
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends requests to the application, and measures them. */
export interface Requests {
  /** The answer; an empty object when the request failed, which is written down. */
  send(method: string, path: string, body?: object): Promise<Readonly<Record<string, unknown>>>
  failed(because: string): void
  /** What was measured so far gets a name; what follows is measured anew. */
  stretch(name: string): void
  figures(): { readonly stretches: readonly Stretch[]; readonly failures: readonly string[] }
  close(): void
}

export function createRequests(url: string): Requests {
  const agent = new Agent({ keepAlive: true })
  const stretches: Stretch[] = []
  const failures: string[] = []
  let failuresBefore = 0
  let answered = new Map<string, number>()
  let latencies: number[] = []

  const failed = (because: string): void => {
    failures.push(because)
  }
  return {
    failed,
    send: async (method, path, body) => {
      const began = performance.now()
      try {
        const { version, answer } = await answerOf(agent, `${url}${path}`, { method, body })
        answered.set(version, (answered.get(version) ?? 0) + 1)
        return answer
      } catch (error) {
        failed(`${method} ${path}: ${error instanceof Error ? error.message : String(error)}`)
        return {}
      } finally {
        latencies.push(performance.now() - began)
      }
    },
    stretch: (name) => {
      stretches.push({ name, answered, failed: failures.length - failuresBefore, ...percentiles(latencies) })
      failuresBefore = failures.length
      answered = new Map()
      latencies = []
    },
    figures: () => ({ stretches, failures }),
    close: () => agent.destroy(),
  }
}

interface Asked {
  readonly method: string
  readonly body: object | undefined
}

interface Answered {
  /** Of the instance that answered. */
  readonly version: string
  readonly answer: Readonly<Record<string, unknown>>
}

async function answerOf(agent: Agent, url: string, { method, body }: Asked): Promise<Answered> {
  const sent = request(url, { method, agent })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const text = Buffer.concat(await response.toArray()).toString()
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`)
  return {
    version: String(response.headers['x-version']),
    answer: JSON.parse(text) as Answered['answer'],
  }
}

function percentiles(latencies: readonly number[]): Pick<Stretch, 'p50Ms' | 'p99Ms'> {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
