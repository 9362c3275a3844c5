import { type ClientRequest, type IncomingMessage, request as open } from 'node:http'
import type { Socket } from 'node:net'
import type { Headers } from './headers.ts'
import type { ProxyLimits } from './limits.ts'
import type { Lease, Member, Upstreams } from './upstreams.ts'

/** Where requests go. */
export interface Route {
  /** What the instances are, for people. */
  readonly name: string
  readonly upstreams: Upstreams
  readonly limits: ProxyLimits
}

export interface Message {
  readonly method: string
  readonly path: string
  readonly headers: Headers
  readonly hasBody: boolean
}

export interface Receiver {
  /** The connection stands: now what follows the head may be sent, and must be ended. */
  connected(outgoing: ClientRequest): void
  answered(answer: IncomingMessage, outgoing: ClientRequest): void
  /** The lease is the receiver's to end. */
  upgraded?(answer: IncomingMessage, upstream: Socket, rest: Buffer, lease: Lease): void
  failed(refusal: Refusal): void
}

/** What the proxy answers in place of an instance. */
export interface Refusal {
  readonly status: 502 | 503 | 504
  /** A sentence for people. */
  readonly because: string
}

export interface Sending {
  /** Nobody waits for the answer any more. */
  abort(): void
}

/** Safe to be done twice. Source: RFC 9110, 9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
/** One: a request that kills its server must not be handed from one to the next. */
const REPEATS_MAX = 1

/**
 * Sends a request to one of the instances. When no byte of an answer came, it is sent again under one of two conditions:
 * no connection could be made, so nothing of it was sent; or it is idempotent, has no body, and was not repeated before.
 *
 * An instance may close an idle connection in the same moment in which a request is written to it. Therefore idle connections
 * are used for repeatable requests only; every other one has a connection of its own, which no server closes unasked.
 */
export function send(message: Message, { name, upstreams, limits }: Route, receiver: Receiver): Sending {
  const isRepeatable = IDEMPOTENT.has(message.method) && !message.hasBody
  const tried = new Set<Member>()
  let repeats = 0
  let isAborted = false
  let current: ClientRequest | undefined
  let nobody: Refusal = { status: 503, because: `No instance of "${name}" can take requests at the moment.` }

  const attempt = (): void => {
    const member = upstreams.choose(tried)
    if (member === undefined) {
      receiver.failed(nobody)
      return
    }
    const agent = isRepeatable && repeats === 0 ? member.agent : false
    current = transmit({ message, member, agent, lease: member.lease() }, limits, {
      ...receiver,
      failed: ({ phase, status, because }) => {
        if (isAborted) return
        const wasReused = current?.reusedSocket === true
        if (!wasReused) tried.add(member)
        if (phase === 'unconnected') {
          attempt()
          return
        }
        const refusal = { status, because: `The instance "${member.id}" of "${name}" ${because}.` }
        if (phase === 'unanswered' && isRepeatable && repeats < REPEATS_MAX) {
          repeats += 1
          nobody = refusal
          attempt()
        } else receiver.failed(refusal)
      },
    })
  }
  attempt()
  return {
    abort: () => {
      isAborted = true
      current?.destroy()
    },
  }
}

interface Transmission {
  readonly message: Message
  readonly member: Member
  readonly agent: Member['agent'] | false
  readonly lease: Lease
}

interface Failure extends Refusal {
  /** `expired`: it was sent, and the instance may still be at work on it. */
  readonly phase: 'unconnected' | 'unanswered' | 'expired'
}

type Transmitted = Omit<Receiver, 'failed'> & { failed(failure: Failure): void }

/** One attempt at one instance. Its lease ends with it, unless the connection was upgraded. */
function transmit(
  { message, member, agent, lease }: Transmission,
  { connectTimeoutMs, answerTimeoutMs }: ProxyLimits,
  receiver: Transmitted,
): ClientRequest {
  const { method, path, headers } = message
  const outgoing = open({ host: '127.0.0.1', port: member.port, method, path, headers, agent })
  let failure: Failure = { phase: 'unconnected', status: 502, because: 'accepts no connection' }
  let isAnswered = false
  let timer = setTimeout(() => outgoing.destroy(), connectTimeoutMs)

  const connected = (): void => {
    clearTimeout(timer)
    failure = { phase: 'unanswered', status: 502, because: 'broke the connection before it answered' }
    receiver.connected(outgoing)
  }
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', connected)
    else connected()
  })
  outgoing.once('finish', () => {
    if (isAnswered) return
    timer = setTimeout(() => {
      failure = {
        phase: 'expired',
        status: 504,
        because: `did not answer within ${answerTimeoutMs / 1_000} s`,
      }
      outgoing.destroy()
    }, answerTimeoutMs)
  })
  const answered = (): void => {
    isAnswered = true
    clearTimeout(timer)
  }
  outgoing.once('response', (answer) => {
    answered()
    receiver.answered(answer, outgoing)
  })
  const { upgraded } = receiver
  let isUpgraded = false
  if (upgraded !== undefined) {
    outgoing.once('upgrade', (answer, socket, rest) => {
      answered()
      isUpgraded = true
      upgraded(answer, socket, rest, lease)
    })
  }
  // That something went wrong is seen by its close, which comes also when nothing is said to be wrong.
  outgoing.on('error', () => undefined)
  outgoing.once('close', () => {
    clearTimeout(timer)
    if (!isUpgraded) lease.end()
    if (!isAnswered) receiver.failed(failure)
  })
  return outgoing
}
