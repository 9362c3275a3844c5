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
