import { LINE_BYTES_MAX, type Line } from './splitter.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export type Frame =
  | { readonly kind: 'message'; readonly message: JsonObject }
  /** It was read without recursion; whoever walks it or prints it has to do the same. */
  | { readonly kind: 'too_deep'; readonly message: JsonObject }
  /** For stderr: what it was, and how it began. */
  | { readonly kind: 'malformed'; readonly reason: string; readonly excerpt: string }

export interface Framing {
  push(line: Line): readonly Frame[]
  /** Reports what is still being collected. */
  end(): readonly Frame[]
  /** From now on no message may begin that is spread over several lines: an `init` was seen, a program is talking. */
  expectOneLine(): void
}

/** Levels of brackets, the outermost object included. */
export const LEVELS_MAX = 64
const EXCERPT_CHARACTERS = 120

/** The lines of an object that is not complete yet. */
interface Collected {
  readonly scan: Scan
  readonly lines: string[]
  bytes: number
}

/** Finds the messages in lines: one a line, or one spread over several lines while these are a valid beginning. */
export function createFraming(messageBytesMax: number = LINE_BYTES_MAX): Framing {
  let collected: Collected | undefined
  let isOneLine = false

  function drop(reason: string): readonly Frame[] {
    const [first = ''] = collected?.lines ?? []
    const isDropped = collected !== undefined
    collected = undefined
    return isDropped ? [malformed(reason, first)] : []
  }

  function read(text: string): readonly Frame[] {
    const isBeginning = collected === undefined
    collected ??= { scan: startScan(), lines: [], bytes: 0 }
    collected.lines.push(text)
    collected.bytes += Buffer.byteLength(text) + (isBeginning ? 0 : 1)
    if (collected.bytes > messageBytesMax) return drop(`an object of more than ${messageBytesMax} bytes`)
    const progress = scanLine(collected.scan, text)
    if (progress === 'broken') return drop('not a JSON object')
    if (progress === 'complete') return complete(collected)
    return isOneLine && isBeginning ? drop('an object that does not end on its line') : []
  }

  function complete({ lines, scan }: Collected): readonly Frame[] {
    collected = undefined
    const message = parse(lines.join('\n'))
    if (message === undefined) return [malformed('not a JSON object', lines[0] ?? '')]
    return [{ kind: scan.deepest > LEVELS_MAX ? 'too_deep' : 'message', message }]
  }

  function push(line: Line): readonly Frame[] {
    if (line.kind === 'too_long') {
      return [
        ...drop('an object broken by a line that is too long'),
        malformed('a line that is too long', ''),
      ]
    }
    if (line.text.trim() === '') return []
    // Nobody prints the inner object of a message that far left: what was collected will never be completed.
    if (line.text.startsWith('{')) return [...drop('an object that a new one cut short'), ...read(line.text)]
    return read(line.text)
  }

  return {
    push,
    end: () => drop('an object cut short by the end of the input'),
    expectOneLine() {
      isOneLine = true
    },
  }
}

function malformed(reason: string, text: string): Frame {
  return { kind: 'malformed', reason, excerpt: text.slice(0, EXCERPT_CHARACTERS) }
}

/** Of two equal keys the last wins. The parser of V8 does not recurse, however deep the text is. */
function parse(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject
  } catch {
    return undefined
  }
}

type Expected =
  | 'object'
  | 'key'
  | 'key_or_end'
  | 'colon'
  | 'value'
  | 'value_or_end'
  | 'comma_or_end'
  | 'nothing'

/**
 * How far a text is, kept from line to line so that a message of many lines costs no more than one long line. The
 * messages of V8's parser would tell a text that ends too early from a wrong one, but they change with its version.
 */
interface Scan {
  /** The brackets that will close what is open, innermost last. */
  readonly closers: string[]
  expected: Expected
  deepest: number
}

const PUNCTUATION_OR_SCALAR = /[{}[\]:,"]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const BLANKS = /[ \t\r\n]*/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y

function startScan(): Scan {
  return { closers: [], expected: 'object', deepest: 0 }
}

/** No token goes on over the end of a line, as JSON has no newline within a string. */
function scanLine(scan: Scan, line: string): 'complete' | 'prefix' | 'broken' {
  for (let at = endOf(BLANKS, line, 0); at < line.length; ) {
    const token = line.slice(at, endOf(PUNCTUATION_OR_SCALAR, line, at))
    const end = token === '"' ? endOfString(line, at + 1) : at + token.length
    if (end === at || !accept(scan, token)) return 'broken'
    at = endOf(BLANKS, line, end)
  }
  return scan.expected === 'nothing' ? 'complete' : 'prefix'
}

function accept(scan: Scan, token: string): boolean {
  const next = following(scan, token)
  if (next === undefined) return false
  scan.expected = next
  if (token === '{' || token === '[') scan.closers.push(token === '{' ? '}' : ']')
  if (token === '}' || token === ']') scan.closers.pop()
  scan.deepest = Math.max(scan.deepest, scan.closers.length)
  return true
}

/** What may come after the token, or undefined where the token may not stand. A string is known by its first quote. */
function following({ expected, closers }: Scan, token: string): Expected | undefined {
  const closer = closers.at(-1)
  const takesValue = expected === 'value' || expected === 'value_or_end'
  const takesKey = expected === 'key' || expected === 'key_or_end'
  const takesEnd = expected === 'comma_or_end' || expected === 'key_or_end' || expected === 'value_or_end'
  switch (token) {
    case '{':
      return takesValue || expected === 'object' ? 'key_or_end' : undefined
    case '[':
      return takesValue ? 'value_or_end' : undefined
    case '}':
    case ']':
      if (!takesEnd || token !== closer) return undefined
      return closers.length === 1 ? 'nothing' : 'comma_or_end'
    case ',':
      if (expected !== 'comma_or_end') return undefined
      return closer === '}' ? 'key' : 'value'
    case ':':
      return expected === 'colon' ? 'value' : undefined
    default:
      if (token === '"' && takesKey) return 'colon'
      return takesValue ? 'comma_or_end' : undefined
  }
}

/** Where a string ends that begins before `from`; `from - 1`, that is nowhere, when it does not end on the line. */
function endOfString(line: string, from: number): number {
  for (let at = from; at < line.length; at += 1) {
    const code = line.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code < SPACE) break
    if (code !== BACKSLASH) continue
    const end = endOf(ESCAPE, line, at)
    if (end === at) break
    at = end - 1
  }
  return from - 1
}

/** Where the match ends that begins at `at`; `at` itself when nothing matches. */
function endOf(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at
  return sticky.test(text) ? sticky.lastIndex : at
}
