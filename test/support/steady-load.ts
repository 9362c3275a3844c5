import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './http.ts'

/** Requests of every kind to one address, without a break, until it is ended. */
export interface SteadyLoad {
  /** How many ask at once. */
  readonly clients: number
  readonly requests: number
  /** What was not answered as it should be. */
  readonly failures: readonly string[]
  /** What was under way when its server was killed. No server can do anything about those. */
  readonly cut: number
  /** Kills the server. What begins after that begins on a fresh connection, and waits. */
  killing(kill: () => Promise<void>): Promise<void>
  end(): Promise<void>
}

const CLIENTS = 3
const PAUSE_MS = 12

export function steadyLoad(port: number): SteadyLoad {
  const failures: string[] = []
  let requests = 0
  let cut = 0
  let kills = 0
  let isOver = false
  let dying: Promise<void> = Promise.resolve()

  const client = async (ways: readonly Way[]): Promise<void> => {
    let agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let agentOf = kills
    for (let count = 0; !isOver; count += 1) {
      await dying
      if (agentOf !== kills) {
        agent.destroy()
        agent = new Agent({ keepAlive: true, maxSockets: 1 })
        agentOf = kills
      }
      const way = ways[count % ways.length] ?? quick
      requests += 1
      const problem = await way(port, agent, `${requests}`).catch((error: Error) => error.message)
      if (problem !== undefined && agentOf !== kills) cut += 1
      else if (problem !== undefined) failures.push(`${way.name}: ${problem}`)
      await sleep(PAUSE_MS)
    }
    agent.destroy()
  }
  const plain = Array.from({ length: CLIENTS }, () => client([quick, change, slow]))
  const clients = Promise.all([...plain, client([socket])])
  return {
    clients: CLIENTS + 1,
    get requests() {
      return requests
    },
    failures,
    get cut() {
      return cut
    },
    killing: async (kill) => {
      kills += 1
      dying = kill()
      await dying
    },
    end: async () => {
      isOver = true
      await clients
    },
  }
}

/** One way to use the application. What it says is what was wrong. */
type Way = (port: number, agent: Agent, text: string) => Promise<string | undefined>

const quick: Way = async (port, agent) => problemOf(await ask(port, { agent }), '')

/** Long enough to be under way when its instance is to go. */
const slow: Way = async (port, agent) => problemOf(await ask(port, { agent, path: '/?ms=60' }), '')

/** Nobody may send this one a second time. */
const change: Way = async (port, agent, body) =>
  problemOf(await ask(port, { agent, method: 'POST', path: '/?ms=15', body }), body)

function problemOf({ status, body }: { readonly status: number; readonly body: string }, sent: string) {
  if (status !== 200) return `${status} ${body}`
  const { body: heard } = JSON.parse(body) as { readonly body: string }
  return heard === sent ? undefined : `sent "${sent}", and "${heard}" was heard`
}

/** A WebSocket that is opened, used and closed. */
const socket: Way = async (port, _agent, text) => {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  }
  const opening = request({ host: '127.0.0.1', port, headers, agent: false })
  opening.end()
  const answered = once(opening, 'response').then(([answer]) => {
    throw new Error(`the upgrade was answered with ${answer.statusCode}`)
  })
  const [, connection] = (await Promise.race([once(opening, 'upgrade'), answered])) as [unknown, Socket]
  const closed = once(connection, 'close')
  let heard = ''
  connection.setEncoding('utf8').on('data', (more: string) => {
    heard += more
    if (heard.length >= text.length) connection.end()
  })
  connection.write(text)
  await closed
  return heard === text ? undefined : `said "${text}", and "${heard}" came back`
}
