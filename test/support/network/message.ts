export type Body = Readonly<Record<string, unknown>> & { readonly type: string }

export interface Message {
  readonly src: string
  readonly dest: string
  readonly body: Body
}

/** A definite error means that it did not and will not happen; after any other, and after no answer, nobody knows. */
export type Outcome =
  | { readonly kind: 'ok'; readonly body: Body }
  | { readonly kind: 'error'; readonly code: number; readonly isDefinite: boolean; readonly body: Body }
  | { readonly kind: 'timeout' }

/** Every other code, also one that is not known, counts as indefinite. */
const DEFINITE_CODES: readonly unknown[] = [1, 10, 11, 12, 14, 20, 21, 22, 30]

export function outcomeOf(body: Body): Outcome {
  if (body.type !== 'error') return { kind: 'ok', body }
  return { kind: 'error', code: Number(body.code), isDefinite: DEFINITE_CODES.includes(body.code), body }
}

/** What a line of a node is: a message that the network takes, or what is wrong with it. */
export function readMessage(line: string, node: string, isKnown: (id: string) => boolean): Message | string {
  let message: unknown
  try {
    message = JSON.parse(line)
  } catch {
    return 'which is not JSON'
  }
  if (!isObject(message) || Object.keys(message).toSorted().join() !== 'body,dest,src') {
    return 'which is not exactly {src, dest, body}'
  }
  const { src, dest, body } = message
  if (typeof src !== 'string' || typeof dest !== 'string') return 'whose src and dest are not both strings'
  if (src !== node) return `whose src is "${src}"`
  if (!isKnown(dest)) return `whose dest "${dest}" is not known`
  if (!isObject(body) || typeof body.type !== 'string') return 'whose body is not an object with a type'
  return { src, dest, body: body as Body }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
