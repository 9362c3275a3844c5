import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createFraming,
  type Frame,
  type Framing,
  type JsonObject,
  LEVELS_MAX,
} from '../../src/node/framing.ts'
import { createSplitter } from '../../src/node/splitter.ts'

const pushAll = (framing: Framing, lines: readonly string[]): readonly Frame[] =>
  lines.flatMap((text) => framing.push({ kind: 'text', text }))

const framesOf = (input: string, framing = createFraming()): readonly Frame[] => [
  ...pushAll(framing, input.split('\n')),
  ...framing.end(),
]

const messagesOf = (frames: readonly Frame[]): readonly JsonObject[] =>
  frames.flatMap((frame) => (frame.kind === 'malformed' ? [] : [frame.message]))

const reasonsOf = (frames: readonly Frame[]): readonly string[] =>
  frames.flatMap((frame) => (frame.kind === 'malformed' ? [frame.reason] : []))

const NOT_OBJECT = 'not a JSON object'
const CUT_SHORT = 'an object that a new one cut short'
const INPUT_ENDS = 'an object cut short by the end of the input'

describe('one object a line', () => {
  test.each<[string, string, readonly JsonObject[]]>([
    ['the smallest one', '{}', [{}]],
    [
      'one with all kinds of values',
      '{"a":[1,-2.5e+3,true,false,null,"x",{}],"b":{"c":[]}}',
      [{ a: [1, -2500, true, false, null, 'x', {}], b: { c: [] } }],
    ],
    ['blanks around everything', ' \t{ "a" : [ 1 , 2 ] } \r', [{ a: [1, 2] }]],
    ['two on two lines', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['blank lines between them', '\n \t\n{"a":1}\n\r\n\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    [
      'every escape of a string',
      '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00"}',
      [{ a: '"\\/\b\f\n\r\té😀' }],
    ],
    ['brackets and quotes within a string', '{"a":"}{][\\",:"}', [{ a: '}{][",:' }]],
    ['characters beyond ASCII', '{"ключ":"值"}', [{ ключ: '值' }]],
    ['separators of Unicode within a string', '{"a":"\u2028\u2029"}', [{ a: '\u2028\u2029' }]],
    ['the last of two equal keys', '{"a":1,"a":{"b":1,"b":2}}', [{ a: { b: 2 } }]],
    [
      'numbers that lose their value',
      '{"a":1e400,"b":9007199254740993}',
      [{ a: Number.POSITIVE_INFINITY, b: 2 ** 53 }],
    ],
  ])('reads %s', (_what, input, expected) => {
    expect(framesOf(input)).toEqual(expected.map((message) => ({ kind: 'message', message })))
  })

  test('keeps a key called __proto__ as a field and changes no prototype', () => {
    const [message] = messagesOf(framesOf('{"__proto__":{"type":"migrate"}}'))
    expect(Object.keys(message ?? {})).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
  })

  test.each([
    ['an array', '[{"type":"status","msg_id":1}]'],
    ['a string', '"{}"'],
    ['a number', '12'],
    ['a word of JSON', 'null'],
    ['a log line', 'starting up {"a":1}'],
    ['something behind the object', '{"a":1} x'],
    ['a second object behind the first', '{"a":1}{"a":2}'],
    ['one closing bracket too many', '{"a":1}}'],
    ['the wrong closing bracket', '{"a":[1}'],
    ['a comma before the end', '{"a":1,}'],
    ['a comma before the end of an array', '{"a":[1,]}'],
    ['a comma at the beginning', '{,"a":1}'],
    ['two commas', '{"a":1,,"b":2}'],
    ['a key without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a key that is a number', '{1:1}'],
    ['a key without value', '{"a"}'],
    ['two values without comma', '{"a":1 "b":2}'],
    ['two colons', '{"a"::1}'],
    ['a number with a leading zero', '{"a":01}'],
    ['a number with a plus', '{"a":+1}'],
    ['a number that begins with a dot', '{"a":.5}'],
    ['a number that ends with a dot', '{"a":1.}'],
    ['a word that is none of JSON', '{"a":nul}'],
    ['NaN', '{"a":NaN}'],
    ['two words in one', '{"a":truefalse}'],
    ['a comment', '{"a":1/*one*/}'],
    ['an unknown escape', '{"a":"\\x41"}'],
    ['an escape that is cut', '{"a":"\\u12"}'],
    ['a tab within a string', '{"a":"\t"}'],
    ['a NUL within a string', '{"a":"\0"}'],
    ['a no-break space between tokens', '{"a":\u00a01}'],
    ['a byte order mark where it is none', '\uFEFF{"a":1}'],
  ])('reports %s and goes on', (_what, input) => {
    expect(() => JSON.parse(`[${input}][0]`)).toThrow()
    const frames = framesOf(`${input}\n{"next":1}`)
    expect(frames[0]).toEqual({ kind: 'malformed', reason: NOT_OBJECT, excerpt: input })
    expect(messagesOf(frames)).toEqual([{ next: 1 }])
  })

  test('shows no more of a malformed line than its beginning', () => {
    const [frame] = framesOf('x'.repeat(100_000))
    expect(frame).toEqual({ kind: 'malformed', reason: NOT_OBJECT, excerpt: 'x'.repeat(120) })
  })
})

describe('one object over several lines', () => {
  const spread =
    '{\n  "src": "admin",\n  "body": {\n    "type": "status",\n\n    "uses": [\n      "a"\n    ]\n  }\n}'

  test('is read when its last line has come, and not before', () => {
    const framing = createFraming()
    const lines = spread.split('\n')
    expect(pushAll(framing, lines.slice(0, -1))).toEqual([])
    expect(messagesOf(pushAll(framing, lines.slice(-1)))).toEqual([JSON.parse(spread)])
    expect(framing.end()).toEqual([])
  })

  test.each<[string, string]>([
    ['after its first bracket', '{\n"a":1}'],
    ['after a key', '{"a"\n:1}'],
    ['after a colon', '{"a":\n1}'],
    ['after a value', '{"a":1\n}'],
    ['after a comma', '{"a":1,\n"b":2}'],
    ['after every token', '{\n"a"\n:\n[\n1\n,\n"x"\n]\n,\n"b"\n:\ntrue\n}'],
    ['with \\r at the ends', '{"a":\r\n1}\r'],
    ['with its first line indented', '   {"a":\n1}'],
    ['with blank lines in it', '{"a":\n\n \n1}'],
    ['with an inner object on a line of its own', '{"a":\n {"b":1}\n}'],
  ])('may be broken %s', (_what, input) => {
    expect(framesOf(`${input}\n{"next":1}`)).toEqual([
      { kind: 'message', message: JSON.parse(input) },
      { kind: 'message', message: { next: 1 } },
    ])
  })

  test.each<[string, string]>([
    ['within a string', '{"a":"x\ny"}'],
    ['within an escape', '{"a":"x\\\nn"}'],
    ['within a number', '{"a":1.\n5}'],
    ['within a word', '{"a":tr\nue}'],
  ])('may not be broken %s', (_what, input) => {
    const [first = ''] = input.split('\n')
    expect(framesOf(input)[0]).toEqual({ kind: 'malformed', reason: NOT_OBJECT, excerpt: first })
    expect(messagesOf(framesOf(`${input}\n{"next":1}`))).toEqual([{ next: 1 }])
  })

  test.each([
    '{"a":"\t",',
    '{"a":"\u0000",',
    '{"a":"\\x",',
    '{"a":"\\u12g4",',
    '{"a":01,',
    '{"a":1.,',
    '{"a":-,',
    '{"a":.5,',
    '{"a":1e,',
    '{"a":nulll,',
    '{1:2,',
    '{true:1,',
    '{{}:1,',
    '{[1]:1,',
    '{,',
    '{:',
    '{"a":1,,',
    '{"a",',
    '{"a"}',
    '{"a"::',
    '{"a":[,',
    '{"a":[1:',
    '{"a":[1}',
    '{"a":[1,]',
    '{"a":[1 2',
    '{"a":{"b":1]',
    '{"a":{"b":}',
    '{"a":{"b":1,}',
    '{"a":{"b"}',
    '{"a":1 "b":',
    '{"a":[{},{},]',
  ])('is not begun by %s, which nothing can complete', (text) => {
    expect(canBeCompleted(text)).toBe(false)
    expect(reasonsOf(framesOf(text))).toEqual([NOT_OBJECT])
    expect(messagesOf(framesOf(`${text}\n 1, "b": 2}\n{"next":1}`))).toEqual([{ next: 1 }])
  })

  test('is dropped, said once, when a new one begins in the first column', () => {
    expect(framesOf('{"a":\n[1,\n{"next":1}\n{"next":2}')).toEqual([
      { kind: 'malformed', reason: CUT_SHORT, excerpt: '{"a":' },
      { kind: 'message', message: { next: 1 } },
      { kind: 'message', message: { next: 2 } },
    ])
  })

  test('may be what cuts another one short', () => {
    expect(framesOf('{"a":\n{"b":\n{"c":\n1}')).toEqual([
      { kind: 'malformed', reason: CUT_SHORT, excerpt: '{"a":' },
      { kind: 'malformed', reason: CUT_SHORT, excerpt: '{"b":' },
      { kind: 'message', message: { c: 1 } },
    ])
  })

  test('is dropped with the line that breaks it, so that no part of it is taken for a message', () => {
    const frames = framesOf('{"src":"a" ,\n  {"type":"rollback","msg_id":1}\n{"next":1}')
    expect(reasonsOf(frames)).toEqual([NOT_OBJECT])
    expect(messagesOf(frames)).toEqual([{ next: 1 }])
  })

  test('is dropped when a line of it was too long', () => {
    const framing = createFraming()
    const frames = [
      ...pushAll(framing, ['{"a":']),
      ...framing.push({ kind: 'too_long' }),
      ...pushAll(framing, ['{"next":1}']),
    ]
    expect(reasonsOf(frames)).toEqual([
      'an object broken by a line that is too long',
      'a line that is too long',
    ])
    expect(messagesOf(frames)).toEqual([{ next: 1 }])
  })

  test('is reported when the input ends before it', () => {
    expect(framesOf('{"a":\n[1,')).toEqual([{ kind: 'malformed', reason: INPUT_ENDS, excerpt: '{"a":' }])
  })

  test('is not begun any more after an init', () => {
    const framing = createFraming()
    framing.expectOneLine()
    const frames = framesOf('{"a":\n1}\n{"next":1}', framing)
    expect(reasonsOf(frames)).toEqual(['an object that does not end on its line', NOT_OBJECT])
    expect(messagesOf(frames)).toEqual([{ next: 1 }])
  })

  test('is completed after an init when it was begun before', () => {
    const framing = createFraming()
    pushAll(framing, ['{"a":'])
    framing.expectOneLine()
    expect(messagesOf(framesOf(' [\n1]}', framing))).toEqual([{ a: [1] }])
  })
})

describe('the bound of a message over several lines', () => {
  test.each<[string, readonly string[], number]>([
    ['of exactly the limit is read', ['{"a":', '12345}'], 12],
    ['is measured with its newlines', ['{', '"a"', ':1', '}'], 10],
    ['is measured in bytes', ['{"a":', '"éé"}'], 13],
  ])('%s and not with one byte less', (_what, lines, bytes) => {
    expect(messagesOf(framesOf(lines.join('\n'), createFraming(bytes)))).toEqual([
      JSON.parse(lines.join('\n')),
    ])
    const frames = framesOf(`${lines.join('\n')}\n{"n":1}`, createFraming(bytes - 1))
    expect(reasonsOf(frames)).toEqual([`an object of more than ${bytes - 1} bytes`])
    expect(messagesOf(frames)).toEqual([{ n: 1 }])
  })

  test('holds for one that never ends', () => {
    const framing = createFraming(1_000)
    expect(pushAll(framing, ['{"a":['])).toEqual([])
    const frames = pushAll(
      framing,
      Array.from({ length: 400 }, () => '12345,'),
    )
    expect(reasonsOf(frames)[0]).toBe('an object of more than 1000 bytes')
    expect(messagesOf(pushAll(framing, ['{"next":1}']))).toEqual([{ next: 1 }])
  })

  test('is 1 MiB when nothing else is said, and many short lines cost no more than one long line', () => {
    const lines = ['{"a":[', ...Array.from({ length: 349_000 }, () => '1,'), '1]}']
    const startMs = performance.now()
    const [message] = messagesOf(framesOf(lines.join('\n')))
    expect(message?.a).toHaveLength(349_001)
    // Parsed again with each line it would take hours.
    expect(performance.now() - startMs).toBeLessThan(10_000)
    expect(messagesOf(framesOf([...lines.slice(0, -1), ...lines.slice(1)].join('\n')))).toEqual([])
  })
})

describe('an object nested deeper than 64 levels', () => {
  const arrays = (levels: number): string =>
    `{"msg_id":1,"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  const objects = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${'}'.repeat(levels - 1)}`

  test.each([
    ['arrays', arrays],
    ['objects', objects],
  ])('of %s is flagged, one of 64 levels is not', (_what, nested) => {
    expect(framesOf(nested(LEVELS_MAX)).map((frame) => frame.kind)).toEqual(['message'])
    expect(framesOf(nested(LEVELS_MAX + 1)).map((frame) => frame.kind)).toEqual(['too_deep'])
  })

  test('is flagged when it comes on many lines', () => {
    expect(framesOf(arrays(100).replaceAll('[', '[\n')).map((frame) => frame.kind)).toEqual(['too_deep'])
  })

  test('can still be asked for its msg_id', () => {
    expect(messagesOf(framesOf(arrays(65)))[0]?.msg_id).toBe(1)
  })

  test('is not what has many brackets side by side, or within strings', () => {
    const frames = framesOf(`{"a":[${'[],'.repeat(1_000)}{}],"b":"${'[{'.repeat(1_000)}"}`)
    expect(frames.map((frame) => frame.kind)).toEqual(['message'])
  })

  test.each([
    ['arrays', arrays(500_000)],
    ['objects', objects(150_000)],
  ])('does not end the process, however many %s there are', (_what, text) => {
    expect(text.length).toBeLessThan(1_048_576)
    expect(framesOf(text).map((frame) => frame.kind)).toEqual(['too_deep'])
  })

  test('and never closed is collected and dropped like any other', () => {
    expect(framesOf('{"a":['.repeat(100_000)).map((frame) => frame.kind)).toEqual(['malformed'])
  })

  test('leaves nothing behind: the next message is measured by itself', () => {
    expect(framesOf(`${arrays(100)}\n{"a":1}`).map((frame) => frame.kind)).toEqual(['too_deep', 'message'])
  })
})

const json = fc.jsonValue({ maxDepth: 4 })
const object: fc.Arbitrary<JsonObject> = fc.dictionary(fc.string({ maxLength: 4 }), json, { maxKeys: 4 })

/** Some text near JSON: one object with a few characters of it replaced, removed or doubled. */
const nearJson: fc.Arbitrary<string> = fc
  .tuple(
    object,
    fc.array(
      fc.tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(...'{}[]",:\\ 01.eE-+tu\t'.split(''), ''),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([value, edits]) => {
    let text = JSON.stringify(value)
    for (const [place, piece] of edits) {
      const at = Math.floor(place * text.length)
      text = text.slice(0, at) + piece + text.slice(at + (piece === '' ? 1 : 0))
    }
    return text
  })

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether something can follow on the next line so that all is one object: every ending that there is gets tried. */
const canBeCompleted = (text: string): boolean => {
  const closers: string[] = []
  for (const bracket of text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').replaceAll(/[^{}[\]]/g, '')) {
    if (bracket === '{' || bracket === '[') closers.unshift(bracket === '{' ? '}' : ']')
    else closers.shift()
  }
  if (closers.length === 0) return false
  return ['', '0', ':0', '"":0'].some(
    (ending) => parsed(`${text}\n${ending}${closers.join('')}`) !== undefined,
  )
}

/** No newline, and not the `{` that would begin a message; that includes what begins an object further right. */
const garbageLine: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ maxLength: 12 }),
    nearJson,
    object.map((value) => JSON.stringify(value).slice(1)),
    fc.constantFrom(
      '',
      ' ',
      '{',
      '{"a":',
      '{"a":[1,',
      '}',
      ']',
      '"',
      ' {"a":',
      '[',
      '{"a":"',
      'null',
      '{"a":1}}',
      '\\',
    ),
  )
  .map((line) => line.replaceAll('\n', ' '))

/** The lines of the input that begin in column 0 and are one whole object. */
const wholeLines = (lines: readonly string[]): readonly JsonObject[] =>
  lines.flatMap((line) =>
    line.startsWith('{') && parsed(line) !== undefined ? [JSON.parse(line) as JsonObject] : [],
  )

describe('any text', () => {
  test('on one line is a message exactly when it is one JSON object', () => {
    fc.assert(
      fc.property(nearJson, (text) => {
        const value = parsed(text)
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
        const [message] = messagesOf(framesOf(text))
        expect(message !== undefined).toBe(isObject)
        if (isObject) expect(message).toEqual(value)
      }),
      { numRuns: 3_000 },
    )
  })

  test('is collected exactly when it can still become one JSON object', () => {
    const cut = fc.tuple(nearJson, fc.double({ min: 0, max: 1, noNaN: true }))
    fc.assert(
      fc.property(cut, ([whole, place]) => {
        const text = whole.slice(0, Math.ceil(place * whole.length))
        fc.pre(text.startsWith('{'))
        expect(reasonsOf(framesOf(text)).includes(INPUT_ENDS)).toBe(canBeCompleted(text))
      }),
      { numRuns: 3_000 },
    )
  })

  test('between messages never loses a message that begins in the first column', () => {
    const message = object.map((value) => JSON.stringify({ ...value, isMessage: true }))
    const input = fc.array(fc.oneof(garbageLine, message), { maxLength: 20 })
    fc.assert(
      fc.property(input, (lines) => {
        const found = messagesOf(framesOf(lines.join('\n'))).filter((one) => one.isMessage === true)
        expect(found).toEqual(wholeLines(lines).filter((one) => one.isMessage === true))
      }),
      { numRuns: 2_000 },
    )
  })

  test('between messages never loses one that is spread over lines', () => {
    fc.assert(
      fc.property(fc.array(garbageLine, { maxLength: 6 }), object, (garbage, value) => {
        const message = { isMessage: true, ...value }
        const lines = JSON.stringify(message, null, 2)
        const frames = framesOf([...garbage, lines, '{"next":1}'].join('\n'))
        expect(messagesOf(frames).slice(-2)).toEqual([JSON.parse(lines), { next: 1 }])
      }),
      { numRuns: 1_000 },
    )
  })

  test('as bytes is survived: the message after it is read', () => {
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]":,\\\r\n')))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), (bytes) => {
        const splitter = createSplitter(64)
        const framing = createFraming(64)
        const input = Buffer.concat([Uint8Array.from(bytes), Buffer.from('\n{"isMessage":true}')])
        const frames = [...splitter.push(input), ...splitter.end()].flatMap((line) => framing.push(line))
        expect(messagesOf(frames).at(-1)).toEqual({ isMessage: true })
      }),
      { numRuns: 1_000 },
    )
  })

  test('printed with any indentation is the message that it was', () => {
    const indent = fc.constantFrom(' ', '  ', '\t')
    fc.assert(
      fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), indent, (values, by) => {
        const input = values.map((value) => JSON.stringify(value, null, by)).join('\n')
        expect(framesOf(input)).toEqual(
          values.map((value) => ({ kind: 'message', message: JSON.parse(JSON.stringify(value)) })),
        )
      }),
      { numRuns: 500 },
    )
  })
})
