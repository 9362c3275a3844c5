import { WIRE } from './codes.ts'
import type { Address, Refused, Request } from './envelope.ts'
import type { JsonObject } from './framing.ts'
import type { Answer } from './handler.ts'

/** One line for stdout, without its newline, and the code when it is an error. */
export interface Reply {
  readonly line: string
  readonly code: number | undefined
}

export type Replies = 'auto' | 'bare' | 'envelope'

export interface ReplyForm {
  readonly replies: Replies
  /** The `node_id` of `init`, undefined while none was seen. */
  readonly nodeId: string | undefined
}

/** The fields of the answer come in their order; only the id of the request goes between its type and the others. */
export function reply(request: Request, form: ReplyForm, answer: Answer): Reply {
  return replyWith(request.msgId, request, form, answer)
}

/** Error 12, with the `msg_id` as it was read; without one where no JSON value can repeat it. */
export function refuse(refused: Refused, form: ReplyForm): Reply {
  const answer = { type: 'error', code: WIRE.malformedRequest, text: refused.text }
  return replyWith(refused.inReplyTo, refused, form, answer)
}

function replyWith(inReplyTo: unknown, to: Address, form: ReplyForm, { type, ...fields }: Answer): Reply {
  const code = type === 'error' && typeof fields.code === 'number' ? fields.code : undefined
  return { line: lineOf(to, form, { type, in_reply_to: inReplyTo, ...fields }), code }
}

/** A bare request is answered bare whatever was asked for: it has no address that an envelope could go to. */
function lineOf({ src, dest, isBare }: Address, { replies, nodeId }: ReplyForm, body: JsonObject): string {
  const isEnvelope = replies === 'envelope' || (replies === 'auto' && nodeId !== undefined)
  return jsonText(isBare || !isEnvelope ? body : { src: nodeId ?? dest, dest: src, body })
}

/**
 * The text of a JSON value with `", "` and `": "` between its parts. `JSON.stringify` has no such form, and up to Node 24
 * it recurses: a value of some thousand levels overflows the stack. As there, a field that is undefined is left out.
 */
export function jsonText(
  root: unknown,
  keysOf: (value: JsonObject) => readonly string[] = Object.keys,
): string {
  const written: string[] = []
  const rest: Part[] = [{ value: root }]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if ('text' in next) written.push(next.text)
    else if (typeof next.value !== 'object' || next.value === null) written.push(scalarText(next.value))
    else for (const part of partsOf(next.value, keysOf).toReversed()) rest.push(part)
  }
  return written.join('')
}

type Part = { readonly text: string } | { readonly value: unknown }

function partsOf(value: object, keysOf: (value: JsonObject) => readonly string[]): Part[] {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown): readonly [string, unknown] => ['', item])
    return enclosed('[', items, ']')
  }
  const fields = value as JsonObject
  const present = keysOf(fields).filter((key) => fields[key] !== undefined)
  return enclosed(
    '{',
    present.map((key) => [`${JSON.stringify(key)}: `, fields[key]]),
    '}',
  )
}

function enclosed(open: string, members: readonly (readonly [string, unknown])[], close: string): Part[] {
  const inner = members.flatMap(([label, value], index): Part[] => [
    { text: index === 0 ? label : `, ${label}` },
    { value },
  ])
  return [{ text: open }, ...inner, { text: close }]
}

function scalarText(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
