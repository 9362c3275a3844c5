import { type Client, createStations } from './network/client.ts'
import { createJournal, type Entry } from './network/journal.ts'
import type { Message, Outcome } from './network/message.ts'
import { createNodes } from './network/nodes.ts'
import type { Command, Ending, KillPoint } from './network/process.ts'
import { createTraffic } from './network/traffic.ts'

export type { Client } from './network/client.ts'
export type { Entry } from './network/journal.ts'
export type { Body, Message, Outcome } from './network/message.ts'
export type { Ending, KillPoint } from './network/process.ts'

/** Maelstrom's rules for clients and node processes, and faults that it has not. What is random comes from the seed. */
export interface NetworkOptions {
  readonly seed: number
  /** The program of each node and its arguments, by the id of the node. */
  readonly nodes: Readonly<Record<string, Command>>
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Of a message between nodes: anything up to this. Between a client and a node it is 0 unless a fault delays it. */
  readonly latencyMaxMs?: number
  /** How probable it is, from 0 to 1, that a message of a client is delivered twice. */
  readonly duplicates?: number
  /** How probable it is, from 0 to 1, that a message of a client is delayed, by anything up to `delayMaxMs`. */
  readonly delays?: number
  readonly delayMaxMs?: number
  readonly initTimeoutMs?: number
  readonly callTimeoutMs?: number
  /** Whatever happens, everything is over after this. */
  readonly lifetimeMs?: number
}

const DEFAULTS = {
  latencyMaxMs: 10,
  duplicates: 0,
  delays: 0,
  delayMaxMs: 200,
  initTimeoutMs: 10_000,
  callTimeoutMs: 5_000,
  lifetimeMs: 120_000,
}

export interface Network {
  readonly journal: readonly Entry[]
  /** Starts nodes, all of them when none is named, and initialises them. */
  start(...nodes: readonly string[]): Promise<void>
  /** Starts a node without `init`. */
  spawn(node: string): void
  client(id: string): Client
  /** By SIGKILL, now or at a point that is to come. */
  kill(node: string, point?: KillPoint): Promise<Ending>
  /** Kills it if it runs, starts it and initialises it again. */
  restart(node: string): Promise<void>
  pause(node: string): void
  resume(node: string): void
  /** Past every queue and rule, such as garbage. */
  write(node: string, text: string): void
  /** The node is expected to end by itself then. */
  closeInput(node: string): Promise<Ending>
  stderrOf(node: string): string
  /** Kills what still runs. Rejects with what went wrong first, unless nothing did. */
  close(): Promise<void>
}

/** The client that initialises nodes. */
const INITIALISER = 'c0'

export function openNetwork(options: NetworkOptions): Network {
  const settings = { ...DEFAULTS, ...options }
  const journal = createJournal(settings.seed)
  const stations = createStations(journal, send, settings.callTimeoutMs)
  const nodes = createNodes(options, {
    journal,
    isKnown: (id) => stations.has(id) || nodes.has(id),
    message: (message) => traffic.send(message),
    failed: fail,
  })
  const isNode = (id: string): boolean => nodes.has(id)
  const traffic = createTraffic(settings, journal, isNode, (message) =>
    isNode(message.dest) ? nodes.deliver(message) : stations.receive(message),
  )
  const lifetime = setTimeout(() => fail(`not over after ${settings.lifetimeMs} ms`), settings.lifetimeMs)
  let failure: Error | undefined

  function fail(text: string): Error {
    journal.note('failed', '', { text })
    failure ??= journal.error(text)
    void end()
    return failure
  }

  async function end(): Promise<void> {
    clearTimeout(lifetime)
    traffic.close()
    stations.end(failure)
    await nodes.killAll()
  }

  function send(message: Message): Error | undefined {
    if (!nodes.has(message.dest)) return fail(`${message.src} calls ${message.dest}, which is no node`)
    traffic.send(message)
    return failure
  }

  async function initialise(node: string): Promise<void> {
    if (failure !== undefined) throw failure
    if (!nodes.isRunning(node)) nodes.spawn(node)
    const init = { type: 'init', node_id: node, node_ids: Object.keys(settings.nodes) }
    const answered = stations.client(INITIALISER).call(node, init, settings.initTimeoutMs)
    const answer = await Promise.race([answered, nodes.ending(node)])
    if (failure !== undefined) throw failure
    if (!isInitialised(answer))
      throw fail(`${node} did not answer init with init_ok: ${JSON.stringify(answer)}`)
  }

  return {
    journal: journal.entries,
    client: (id) => stations.client(id),
    ...nodes,
    async start(...named) {
      await Promise.all((named.length === 0 ? Object.keys(settings.nodes) : named).map(initialise))
    },
    async restart(node) {
      if (nodes.isRunning(node)) await nodes.kill(node)
      await initialise(node)
    },
    async close() {
      await end()
      if (failure !== undefined) throw failure
    },
  }
}

/** Also when it ended before it answered: if that was not what the test wanted, the network has failed already. */
function isInitialised(answer: Outcome | Ending): boolean {
  return !('kind' in answer) || (answer.kind === 'ok' && answer.body.type === 'init_ok')
}
