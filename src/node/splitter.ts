/** A message of 1 MiB holds every migration that a person writes; beyond it something else is talking to us. */
export const LINE_BYTES_MAX = 1_048_576

export type Line =
  | { readonly kind: 'text'; readonly text: string }
  /** Said once for a line, as soon as it is known; nothing of the line is kept. */
  | { readonly kind: 'too_long' }

export interface Splitter {
  /** The lines that a chunk completes. */
  push(chunk: Uint8Array): readonly Line[]
  /** The last line, when no newline ends it. */
  end(): readonly Line[]
}

const NEWLINE = 0x0a
const RETURN = 0x0d
const FIRST_CAPACITY_BYTES = 4_096

/**
 * Cuts bytes into lines at `\n` or `\r\n`. It works on bytes, as a character may be cut by the border of a chunk, and
 * keeps no more of an unfinished line than the limit and the one byte that may turn out to be its `\r`.
 */
export function createSplitter(lineBytesMax: number = LINE_BYTES_MAX): Splitter {
  const begun = growingBytes(lineBytesMax + 1)
  // A byte order mark is stripped on the first line only, and so not by the decoder.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let isFirst = true
  let isSkipping = false

  function read(line: Uint8Array): Line {
    if (line.length > lineBytesMax) return { kind: 'too_long' }
    const text = decoder.decode(line)
    return { kind: 'text', text: isFirst && text.startsWith('\uFEFF') ? text.slice(1) : text }
  }

  function finish(line: Uint8Array): readonly Line[] {
    const lines = isSkipping ? [] : [read(line)]
    begun.clear()
    isFirst = false
    isSkipping = false
    return lines
  }

  function begin(piece: Uint8Array): readonly Line[] {
    if (isSkipping || begun.add(piece)) return []
    begun.clear()
    isSkipping = true
    return [{ kind: 'too_long' }]
  }

  function push(chunk: Uint8Array): readonly Line[] {
    const lines: Line[] = []
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, at)
      from = at + 1
      // A line that lies in one chunk, as most do, is decoded where it is.
      if (begun.bytes().length === 0) lines.push(...finish(withoutReturn(piece)))
      else lines.push(...begin(piece), ...finish(withoutReturn(begun.bytes())))
    }
    if (from < chunk.length) lines.push(...begin(chunk.subarray(from)))
    return lines
  }

  return {
    push,
    end: () => (begun.bytes().length > 0 ? finish(begun.bytes()) : []),
  }
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

/** Copies what it is given: a view would keep the whole chunk alive, however short the piece. */
function growingBytes(bytesMax: number) {
  let kept = new Uint8Array(0)
  let length = 0
  return {
    bytes: (): Uint8Array => kept.subarray(0, length),
    clear(): void {
      length = 0
      if (kept.length > FIRST_CAPACITY_BYTES) kept = new Uint8Array(0)
    },
    /** Adds nothing and says false when it would be too much. */
    add(piece: Uint8Array): boolean {
      const needed = length + piece.length
      if (needed > bytesMax) return false
      if (needed > kept.length) {
        const larger = new Uint8Array(
          Math.min(bytesMax, Math.max(needed, 2 * kept.length, FIRST_CAPACITY_BYTES)),
        )
        larger.set(kept.subarray(0, length))
        kept = larger
      }
      kept.set(piece, length)
      length = needed
      return true
    },
  }
}
