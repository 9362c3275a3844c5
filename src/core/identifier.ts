/** PostgreSQL keeps 63 bytes of a name and cuts the rest with no more than a notice. Source: NAMEDATALEN - 1. */
export const IDENTIFIER_BYTES_MAX = 63

const SYSTEM_COLUMNS = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

const encoder = new TextEncoder()

export function byteLength(text: string): number {
  return encoder.encode(text).length
}

/** What is wrong with a name, as the rest of a sentence that begins with the name; `undefined` when nothing is. */
export function identifierProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.includes('\0')) return 'contains a NUL character'
  const bytes = byteLength(name)
  if (bytes > IDENTIFIER_BYTES_MAX) {
    return `has ${bytes} bytes; PostgreSQL would cut it silently to ${IDENTIFIER_BYTES_MAX}`
  }
  return undefined
}

export function columnNameProblem(name: string): string | undefined {
  return identifierProblem(name) ?? (SYSTEM_COLUMNS.has(name) ? 'is the name of a system column' : undefined)
}

/** The longest beginning of a text that has at most so many bytes, never half a character. */
export function cutToBytes(text: string, bytesMax: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(bytesMax))
  return text.slice(0, read)
}

/** Compares as PostgreSQL orders trigger names: byte by byte of the UTF-8 form, which is by code point. */
export function compareBytes(a: string, b: string): number {
  const left = encoder.encode(a)
  const right = encoder.encode(b)
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** SQL as names are sought in it: in small letters, and with a quote in a quoted name once, where it stands doubled. */
export function foldedText(text: string): string {
  return text.toLowerCase().replaceAll('""', '"')
}
