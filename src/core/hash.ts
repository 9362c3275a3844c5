import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** SHA-256 of a text (UTF-8), as 64 hexadecimal digits. */
export function hash(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)))
}

/** The same text for the same value: keys in sorted order at every depth. Written by hand, because a copy of each object of a large plan costs more than the text. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one) ?? 'null').join(',')}]`
  const entries = keysOf(value).map((key) => `${JSON.stringify(key)}:${canonical(inside(value, key))}`)
  return `{${entries.join(',')}}`
}

/** Sorted, without those that JSON leaves out. */
function keysOf(value: object): readonly string[] {
  return Object.keys(value)
    .filter((key) => inside(value, key) !== undefined)
    .sort()
}

function inside(value: object, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key]
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
  yield isList ? '[' : '{'
  for (const [at, key] of (isList ? [...value.keys()] : keysOf(value)).entries()) {
    yield `${at === 0 ? '' : ','}${isList ? '' : `${JSON.stringify(key)}:`}`
    yield* piecesOf(inside(value, String(key)), depth - 1)
  }
  yield isList ? ']' : '}'
}
