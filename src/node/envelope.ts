import { type Frame, type JsonObject, LEVELS_MAX } from './framing.ts'

/** Who asked, and whom: what a reply is addressed by. */
export interface Address {
  /** Empty for a bare body, which no envelope can have: all bare ones are one source. */
  readonly src: string
  /** Whom the sender took us for: our name until an `init` says another. Empty when it did not say. */
  readonly dest: string
  readonly isBare: boolean
}

export type RequestBody = JsonObject & { readonly type: string }

export interface Request extends Address {
  readonly kind: 'request'
  readonly msgId: number
  readonly body: RequestBody
}

/** To be answered with error 12; nothing is executed. */
export interface Refused extends Address {
  readonly kind: 'refused'
  /** The `msg_id` as it was read; undefined when no JSON value can repeat it. */
  readonly inReplyTo: unknown
  readonly text: string
}

/** To be answered by nothing but a line on stderr. */
export interface Ignored {
  readonly kind: 'ignored'
  readonly reason: string
}

export type Envelope = Request | Refused | Ignored

const TOO_DEEP = `nested deeper than ${LEVELS_MAX} levels`

/** Says what a message is, before anybody looks at what it asks for. Fields that are not known are left alone. */
export function readEnvelope(frame: Frame): Envelope {
  if (frame.kind === 'malformed') return ignored(frame.reason)
  const found = addressed(frame.message)
  if (found.kind === 'ignored') return found
  const { address, body } = found
  // Answering a reply, or an error that is no reply to us, would have two nodes talk to each other for ever.
  if (Object.hasOwn(body, 'in_reply_to')) return ignored('a reply')
  if (body.type === 'error') return ignored('an error that somebody reports')
  if (!Object.hasOwn(body, 'msg_id'))
    return ignored('no msg_id: there is nobody to answer, so nothing is executed')
  return frame.kind === 'too_deep' ? tooDeep(address, body) : identified(address, body)
}

type Addressed =
  | { readonly kind: 'addressed'; readonly address: Address; readonly body: JsonObject }
  | Ignored

function addressed(message: JsonObject): Addressed {
  if (!Object.hasOwn(message, 'body')) {
    if (!Object.hasOwn(message, 'type')) return ignored('neither a body nor a type')
    return { kind: 'addressed', address: { src: '', dest: '', isBare: true }, body: message }
  }
  const { src, dest, body } = message
  if (!isObject(body)) return ignored('a body that is not an object')
  if (typeof src !== 'string' || src === '') return ignored('an envelope whose src is not a non-empty string')
  return {
    kind: 'addressed',
    address: { src, dest: typeof dest === 'string' ? dest : '', isBare: false },
    body,
  }
}

function identified(address: Address, body: JsonObject): Request | Refused {
  const { type, msg_id: msgId } = body
  if (!isMsgId(msgId)) return refused(address, msgId, 'msg_id is not an integer in the safe range')
  if (!hasType(body)) {
    return refused(address, msgId, type === undefined ? 'type is missing' : 'type is not a string')
  }
  return { kind: 'request', ...address, msgId, body }
}

/** Only an id that is itself no container can be said to be readable in what is nested too deeply. */
function tooDeep(address: Address, body: JsonObject): Refused | Ignored {
  const { msg_id: msgId } = body
  if (typeof msgId === 'object' && msgId !== null) return ignored(`${TOO_DEEP}, with no msg_id to answer to`)
  return refused(address, msgId, TOO_DEEP)
}

function ignored(reason: string): Ignored {
  return { kind: 'ignored', reason }
}

function refused(address: Address, msgId: unknown, text: string): Refused {
  // What overflowed while it was read, such as 1e400, would be written as null, which is not what was sent.
  const isLost = typeof msgId === 'number' && !Number.isFinite(msgId)
  return { kind: 'refused', ...address, inReplyTo: isLost ? undefined : msgId, text }
}

function isMsgId(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function hasType(body: JsonObject): body is RequestBody {
  return typeof body.type === 'string'
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
