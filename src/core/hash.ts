import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { entriesByName } from './entries.ts'

/** SHA-256 of a text (UTF-8), as 64 hexadecimal digits. */
export function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

/** The same text for the same value: keys in sorted order at every depth. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(entriesByName(inner as Readonly<Record<string, unknown>>))
      : inner,
  )
}

/** `hash(canonical(value))` without the whole text of it, which of a large plan is hundreds of megabytes. */
export function hashOf(value: object): string {
  const digest = sha256.create()
  for (const piece of piecesOf(value, PIECES_DEPTH)) digest.update(utf8ToBytes(piece))
  return bytesToHex(digest.digest())
}

/** Of a plan these are its steps. */
const PIECES_DEPTH = 2

function* piecesOf(value: unknown, depth: number): Generator<string> {
  if (depth === 0 || value === null || typeof value !== 'object') {
    yield canonical(value) ?? 'null'
    return
  }
  const isList = Array.isArray(value)
  const entries = isList
    ? value.map((one) => ['', one] as const)
    : Object.entries(value)
        .filter(([, one]) => one !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
  yield isList ? '[' : '{'
  for (const [at, [key, one]] of entries.entries()) {
    yield `${at === 0 ? '' : ','}${isList ? '' : `${JSON.stringify(key)}:`}`
    yield* piecesOf(one, depth - 1)
  }
  yield isList ? ']' : '}'
}
