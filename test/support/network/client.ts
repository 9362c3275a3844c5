import type { Journal } from './journal.ts'
import { type Body, type Message, type Outcome, outcomeOf } from './message.ts'

export interface Client {
  readonly id: string
  /** All that was delivered to it, also what came late or twice. */
  readonly received: readonly Message[]
  /** A body without `msg_id` gets the next one. Rejects only when the network has failed. */
  call(node: string, body: Body, timeoutMs?: number): Promise<Outcome>
}

/** The side of a client that the network sees. */
interface Station {
  readonly client: Client
  receive(message: Message): void
  /** Ends what is still waited for: with the failure of the network or, when it is only closed, as timed out. */
  end(failure: Error | undefined): void
}

interface Waiting {
  readonly settle: (outcome: Outcome | Error) => void
}

function createStation(
  id: string,
  journal: Journal,
  send: (message: Message) => Error | undefined,
  defaultTimeoutMs: number,
): Station {
  const received: Message[] = []
  const waiting = new Map<unknown, Waiting[]>()
  let lastId = 0

  function call(node: string, body: Body, timeoutMs: number = defaultTimeoutMs): Promise<Outcome> {
    if (body.msg_id === undefined) lastId += 1
    const message = { src: id, dest: node, body: { ...body, msg_id: body.msg_id ?? lastId } }
    const outcome = new Promise<Outcome>((resolve, reject) => {
      const settle = (result: Outcome | Error): void => {
        clearTimeout(timer)
        remove(message.body.msg_id, one)
        if (result instanceof Error) reject(result)
        else resolve(result)
      }
      const one = { settle }
      const timer = setTimeout(() => {
        journal.note('timed out', id, { message })
        settle({ kind: 'timeout' })
      }, timeoutMs)
      waiting.set(message.body.msg_id, [...(waiting.get(message.body.msg_id) ?? []), one])
      const failure = send(message)
      if (failure !== undefined) settle(failure)
    })
    // A test that looks at it later is not to be ended by it now; the network says its failure when it is closed, too.
    outcome.catch(() => {})
    return outcome
  }

  function remove(msgId: unknown, one: Waiting): void {
    const others = (waiting.get(msgId) ?? []).filter((other) => other !== one)
    if (others.length === 0) waiting.delete(msgId)
    else waiting.set(msgId, others)
  }

  return {
    client: { id, received, call },
    receive(message) {
      received.push(message)
      const [first] = waiting.get(message.body.in_reply_to) ?? []
      journal.note(first === undefined ? 'unasked' : 'delivered', id, { message })
      first?.settle(outcomeOf(message.body))
    },
    end(failure) {
      for (const { settle } of [...waiting.values()].flat()) settle(failure ?? { kind: 'timeout' })
    },
  }
}

export interface Stations {
  has(id: string): boolean
  client(id: string): Client
  receive(message: Message): void
  end(failure: Error | undefined): void
}

/** Every client that was ever asked for; one is asked for by its id again and again. */
export function createStations(
  journal: Journal,
  send: (message: Message) => Error | undefined,
  timeoutMs: number,
): Stations {
  const stations = new Map<string, Station>()
  return {
    has: (id) => stations.has(id),
    client(id) {
      const station = stations.get(id) ?? createStation(id, journal, send, timeoutMs)
      stations.set(id, station)
      return station.client
    },
    receive: (message) => stations.get(message.dest)?.receive(message),
    end(failure) {
      for (const station of stations.values()) station.end(failure)
    },
  }
}
