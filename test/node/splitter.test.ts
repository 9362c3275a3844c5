import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSplitter, LINE_BYTES_MAX, type Line } from '../../src/node/splitter.ts'

const tooLong: Line = { kind: 'too_long' }
const text = (value: string): Line => ({ kind: 'text', text: value })

const split = (chunks: readonly Uint8Array[], lineBytesMax?: number): readonly Line[] => {
  const splitter = createSplitter(lineBytesMax)
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]
}

const splitText = (input: string, lineBytesMax?: number): readonly Line[] =>
  split([Buffer.from(input)], lineBytesMax)

const bytewise = (input: Uint8Array): readonly Uint8Array[] => [...input].map((byte) => Uint8Array.of(byte))

/** The same rules written the slow way: the whole input at once, as text of one character a byte. */
const model = (input: Uint8Array, lineBytesMax: number): readonly Line[] => {
  const pieces = Buffer.from(input).toString('latin1').split('\n')
  const last = pieces.pop() ?? ''
  const whole = [...pieces.map((piece) => piece.replace(/\r$/, '')), ...(last === '' ? [] : [last])]
  return whole.map((piece, index) => {
    const bytes = Buffer.from(piece, 'latin1')
    if (bytes.length > lineBytesMax) return tooLong
    return text(new TextDecoder('utf-8', { ignoreBOM: index > 0 }).decode(bytes))
  })
}

describe('lines', () => {
  test.each<[string, string, readonly string[]]>([
    ['nothing', '', []],
    ['one line', 'a\n', ['a']],
    ['a last line without newline', 'a\nb', ['a', 'b']],
    ['a newline at the end, which begins no further line', 'a\nb\n', ['a', 'b']],
    ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
    ['\\r\\n', 'a\r\nb\r\n', ['a', 'b']],
    ['both kinds of newline', 'a\r\nb\nc\r\n', ['a', 'b', 'c']],
    ['an empty line that ends with \\r\\n', '\r\na\n', ['', 'a']],
    ['only the last \\r before the newline', 'a\r\r\n', ['a\r']],
    ['a \\r within a line, which is part of it', 'a\rb\n', ['a\rb']],
    ['a \\r at the end of the input, which is part of the line', 'a\r', ['a\r']],
    [
      'other separators of Unicode, which are part of the line',
      'a\u2028b\u0085c\u000bd\n',
      ['a\u2028b\u0085c\u000bd'],
    ],
    ['NUL', 'a\0b\n', ['a\0b']],
    ['characters of two, three and four bytes', 'é€😀\n', ['é€😀']],
    ['a byte order mark before the first line', '\uFEFFa\nb\n', ['a', 'b']],
    ['a byte order mark and nothing else', '\uFEFF\na\n', ['', 'a']],
    ['one byte order mark at most', '\uFEFF\uFEFFa\n', ['\uFEFFa']],
    ['no byte order mark of a later line', 'a\n\uFEFFb\n', ['a', '\uFEFFb']],
    ['no byte order mark within the first line', 'a\uFEFFb\n', ['a\uFEFFb']],
  ])('of %s', (_what, input, expected) => {
    expect(splitText(input)).toEqual(expected.map(text))
    expect(split(bytewise(Buffer.from(input)))).toEqual(expected.map(text))
  })

  test('come with the chunk that completes them, not later', () => {
    const splitter = createSplitter()
    expect(splitter.push(Buffer.from('a\nb'))).toEqual([text('a')])
    expect(splitter.push(Buffer.from('c'))).toEqual([])
    expect(splitter.push(Buffer.from('d\r'))).toEqual([])
    expect(splitter.push(Buffer.from('\n'))).toEqual([text('bcd')])
    expect(splitter.end()).toEqual([])
  })

  test('are ended once', () => {
    const splitter = createSplitter()
    splitter.push(Buffer.from('a'))
    expect(splitter.end()).toEqual([text('a')])
    expect(splitter.end()).toEqual([])
  })

  test('do not change when the buffer of a chunk is used again', () => {
    const splitter = createSplitter()
    const chunk = Buffer.from('begin')
    splitter.push(chunk)
    chunk.fill('x')
    expect(splitter.push(Buffer.from('ning\n'))).toEqual([text('beginning')])
  })

  test('come out of empty chunks unharmed', () => {
    const empty = new Uint8Array(0)
    expect(split([empty, Buffer.from('a'), empty, Buffer.from('b\n'), empty])).toEqual([text('ab')])
  })

  test('by the ten thousand in one chunk keep their order', () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => String(index))
    expect(splitText(`${numbers.join('\n')}\n`)).toEqual(numbers.map(text))
  })
})

describe('bytes that are not UTF-8', () => {
  test.each<[string, readonly number[], string]>([
    ['a lone continuation byte', [0x61, 0x80, 0x62], 'a\uFFFDb'],
    ['a character cut by the newline', [0x61, 0xe2, 0x82], 'a\uFFFD'],
    ['an overlong form', [0xc0, 0xaf], '\uFFFD\uFFFD'],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80], '\uFFFD\uFFFD\uFFFD'],
    ['a byte that no UTF-8 has', [0xff, 0x61], '\uFFFDa'],
    ['a cut character of four bytes before a letter', [0xf0, 0x9f, 0x98, 0x61], '\uFFFDa'],
  ])('are replaced as a TextDecoder does it: %s', (_what, bytes, expected) => {
    const input = Uint8Array.from([...bytes, 0x0a, 0x7a])
    expect(split([input])).toEqual([text(expected), text('z')])
    expect(split(bytewise(input))).toEqual([text(expected), text('z')])
  })
})

describe('a line that is too long', () => {
  test.each<[string, string, readonly Line[]]>([
    ['of exactly the limit is a line', '12345678\nb\n', [text('12345678'), text('b')]],
    ['of the limit and \\r\\n is a line', '12345678\r\nb\n', [text('12345678'), text('b')]],
    ['of the limit without newline is a line', '12345678', [text('12345678')]],
    ['by one byte is skipped', '123456789\nb\n', [tooLong, text('b')]],
    ['by one byte, with \\r\\n, is skipped', '123456789\r\nb\n', [tooLong, text('b')]],
    ['by the \\r that is no line end is skipped', '12345678\rx\nb\n', [tooLong, text('b')]],
    ['by far is said once', `${'x'.repeat(1_000)}\nb\n`, [tooLong, text('b')]],
    ['and has no newline is said', 'a\n123456789', [text('a'), tooLong]],
    ['and the next one too are both said', '123456789\n987654321\nb', [tooLong, tooLong, text('b')]],
    ['is measured in bytes', 'ééééé\néééé\n', [tooLong, text('éééé')]],
    [
      'as the first line leaves no byte order mark to the second',
      '\uFEFF123456\n\uFEFFb\n',
      [tooLong, text('\uFEFFb')],
    ],
  ])('%s', (_what, input, expected) => {
    expect(splitText(input, 8)).toEqual(expected)
    expect(split(bytewise(Buffer.from(input)), 8)).toEqual(expected)
  })

  test('is said before its end is seen, so that somebody hears of one that never ends', () => {
    const splitter = createSplitter(8)
    expect(splitter.push(Buffer.from('12345678'))).toEqual([])
    expect(splitter.push(Buffer.from('90'))).toEqual([tooLong])
    expect(splitter.push(Buffer.from('more and more'))).toEqual([])
    expect(splitter.push(Buffer.from('\nb\n'))).toEqual([text('b')])
  })

  test('begins beyond 1 MiB when nothing else is said', () => {
    expect(LINE_BYTES_MAX).toBe(1_048_576)
    const longest = 'x'.repeat(LINE_BYTES_MAX)
    expect(splitText(`${longest}\n${longest}x\nb\n`)).toEqual([text(longest), tooLong, text('b')])
  })

  test('of 512 MiB costs neither memory nor much time', () => {
    const splitter = createSplitter()
    const chunk = Buffer.alloc(65_536, 'x')
    const before = process.memoryUsage().arrayBuffers
    let largest = 0
    const lines: Line[] = []
    for (let count = 0; count < 8_192; count += 1) {
      lines.push(...splitter.push(chunk))
      largest = Math.max(largest, process.memoryUsage().arrayBuffers - before)
    }
    lines.push(...splitter.push(Buffer.from('\nb\n')))
    expect(lines).toEqual([tooLong, text('b')])
    // While it grows it is copied, from at most half of the limit to at most the limit, and what was is not collected yet.
    expect(largest).toBeLessThan(4 * LINE_BYTES_MAX)
  })

  test('that comes byte by byte is not copied again for each byte', () => {
    const splitter = createSplitter(100_000)
    const byte = Buffer.from('x')
    const startMs = performance.now()
    for (let count = 0; count < 100_000; count += 1) splitter.push(byte)
    expect(splitter.end()).toEqual([text('x'.repeat(100_000))])
    // Copied for each byte it would be 5 GB.
    expect(performance.now() - startMs).toBeLessThan(2_000)
  })
})

/** Bytes among which what matters is frequent: newlines, pieces of characters, marks, and runs that exceed the limit. */
const bytes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .constantFrom('\n', '\r', '\r\n', '\uFEFF', 'é', '€', '😀', '{', '"')
          .map((one) => Buffer.from(one)),
      },
      { weight: 2, arbitrary: fc.uint8Array({ maxLength: 4 }).map((some) => Buffer.from(some)) },
      { weight: 1, arbitrary: fc.nat({ max: 20 }).map((length) => Buffer.alloc(length, 'x')) },
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts))

/** Where to cut, as parts of the whole. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

const cutAt = (input: Uint8Array, places: readonly number[]): readonly Uint8Array[] => {
  const borders = [0, ...places.map((place) => Math.round(place * input.length)), input.length].toSorted(
    (a, b) => a - b,
  )
  return borders.slice(1).map((border, index) => input.subarray(borders[index], border))
}

describe('any bytes', () => {
  test('give the same lines however they are cut into chunks', () => {
    fc.assert(
      fc.property(bytes, cuts, fc.integer({ min: 1, max: 16 }), (input, places, limit) => {
        expect(split(cutAt(input, places), limit)).toEqual(split([input], limit))
      }),
      { numRuns: 2_000 },
    )
  })

  test('give the lines that splitting the whole text gives', () => {
    fc.assert(
      fc.property(bytes, cuts, fc.integer({ min: 1, max: 16 }), (input, places, limit) => {
        expect(split(cutAt(input, places), limit)).toEqual(model(input, limit))
      }),
      { numRuns: 2_000 },
    )
  })

  test('after a newline never change the lines before it', () => {
    fc.assert(
      fc.property(bytes, bytes, (before, after) => {
        const whole = Buffer.concat([before, Buffer.from('\n'), after])
        const first = split([Buffer.concat([before, Buffer.from('\n')])], 8)
        expect(split([whole], 8).slice(0, first.length)).toEqual(first)
      }),
    )
  })
})
