import { describe, expect, test } from 'vitest'
import { type Envelope, readEnvelope } from '../../src/node/envelope.ts'
import { createFraming } from '../../src/node/framing.ts'

/** The way of a line: its text is read by the framing, so that what JSON does to a value is in the test. */
const read = (text: string): Envelope => {
  const [frame] = createFraming().push({ kind: 'text', text })
  if (frame === undefined) throw new Error(`no frame in ${text}`)
  return readEnvelope(frame)
}

const enveloped = (body: string, address = '"src":"c1","dest":"n1"'): Envelope =>
  read(`{${address},"body":${body}}`)

const bare = { src: '', dest: '', isBare: true }
const c1 = { src: 'c1', dest: 'n1', isBare: false }
const unsafe = 'msg_id is not an integer in the safe range'
const tooDeep = 'nested deeper than 64 levels'
const brackets = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

describe('a request', () => {
  test('in an envelope is what its body says, from src to dest', () => {
    expect(enveloped('{"type":"status","msg_id":7}')).toEqual({
      kind: 'request',
      ...c1,
      msgId: 7,
      body: { type: 'status', msg_id: 7 },
    })
  })

  test('without an envelope is its own body', () => {
    expect(read('{"type":"status","msg_id":7}')).toEqual({
      kind: 'request',
      ...bare,
      msgId: 7,
      body: { type: 'status', msg_id: 7 },
    })
  })

  test('keeps the fields of its body in their order, as what it asks for is not looked at here', () => {
    const envelope = enveloped('{"z":1,"type":"no such type","msg_id":1,"canary_percentage":5,"a":null}')
    expect(envelope.kind === 'request' && Object.keys(envelope.body)).toEqual([
      'z',
      'type',
      'msg_id',
      'canary_percentage',
      'a',
    ])
  })

  test.each<[string, number]>([
    ['0', 0],
    ['-5', -5],
    ['7.0', 7],
    ['1e3', 1_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ])('may have the msg_id %s', (written, msgId) => {
    expect(enveloped(`{"type":"status","msg_id":${written}}`)).toMatchObject({ kind: 'request', msgId })
    expect(read(`{"type":"status","msg_id":${written}}`)).toMatchObject({ kind: 'request', msgId })
  })

  test.each<[string, string]>([
    ['an id of the network', '"src":"c1","dest":"n1","id":33'],
    ['a type of the envelope', '"src":"c1","dest":"n1","type":"error"'],
    ['an in_reply_to of the envelope', '"src":"c1","dest":"n1","in_reply_to":4'],
    ['a msg_id of the envelope', '"src":"c1","dest":"n1","msg_id":"x"'],
  ])('is not changed by %s', (_what, address) => {
    expect(enveloped('{"type":"status","msg_id":7}', address)).toMatchObject({
      kind: 'request',
      ...c1,
      msgId: 7,
    })
  })

  test('may be sent to somebody else: the node has one inbox', () => {
    expect(enveloped('{"type":"status","msg_id":7}', '"src":"c1","dest":"n9"')).toMatchObject({
      kind: 'request',
      dest: 'n9',
    })
  })

  test.each(['"src":"c1"', '"src":"c1","dest":null', '"src":"c1","dest":5'])(
    'that says %s has told us no name of ours',
    (address) => {
      expect(enveloped('{"type":"status","msg_id":7}', address)).toMatchObject({ kind: 'request', dest: '' })
    },
  )

  test('without an envelope shares its source with all others of that kind, and with no envelope', () => {
    expect(read('{"type":"status","msg_id":1,"src":"c1"}')).toMatchObject({ kind: 'request', ...bare })
    expect(read('{"type":"init","msg_id":2,"src":"c2"}')).toMatchObject({ kind: 'request', ...bare })
    expect(enveloped('{"type":"status","msg_id":1}', '"src":""')).toMatchObject({ kind: 'ignored' })
  })

  test('may have an empty type, which is not known rather than malformed', () => {
    expect(enveloped('{"type":"","msg_id":7}')).toMatchObject({ kind: 'request' })
  })
})

describe('what nobody can be answered to', () => {
  test.each<[string, string, string]>([
    ['text that is not JSON', 'hello', 'not a JSON object'],
    ['an array', '[1]', 'not a JSON object'],
    ['a number', '5', 'not a JSON object'],
    ['an object without body and type', '{"msg_id":1}', 'neither a body nor a type'],
    ['an empty object', '{}', 'neither a body nor a type'],
    ['an envelope without body', '{"src":"c1","dest":"n1"}', 'neither a body nor a type'],
    ['a body that is a text', '{"src":"c1","dest":"n1","body":"status"}', 'a body that is not an object'],
    ['a body that is null', '{"src":"c1","dest":"n1","body":null}', 'a body that is not an object'],
    ['a body that is an array', '{"src":"c1","dest":"n1","body":[]}', 'a body that is not an object'],
    [
      'a type beside a body that is none',
      '{"type":"status","msg_id":1,"body":1}',
      'a body that is not an object',
    ],
    [
      'an envelope without src',
      '{"dest":"n1","body":{"type":"status","msg_id":1}}',
      'an envelope whose src is not a non-empty string',
    ],
    [
      'a src that is empty',
      '{"src":"","body":{"type":"status","msg_id":1}}',
      'an envelope whose src is not a non-empty string',
    ],
    [
      'a src that is a number',
      '{"src":1,"body":{"type":"status","msg_id":1}}',
      'an envelope whose src is not a non-empty string',
    ],
    [
      'a src that is null',
      '{"src":null,"body":{"type":"status","msg_id":1}}',
      'an envelope whose src is not a non-empty string',
    ],
  ])('is ignored: %s', (_what, text, reason) => {
    expect(read(text)).toEqual({ kind: 'ignored', reason })
  })

  test.each([
    ['of a known type', '{"type":"status"}'],
    ['of an unknown type', '{"type":"x"}'],
    ['that would be init', '{"type":"init","node_id":"n1","node_ids":["n1"]}'],
  ])('is ignored: a body without msg_id %s', (_what, body) => {
    const expected = {
      kind: 'ignored',
      reason: 'no msg_id: there is nobody to answer, so nothing is executed',
    }
    expect(enveloped(body)).toEqual(expected)
    expect(read(body)).toEqual(expected)
  })

  test('is ignored: a body with neither msg_id nor type', () => {
    expect(enveloped('{"phase":"expand"}')).toMatchObject({ kind: 'ignored' })
  })
})

describe('what is itself an answer', () => {
  test.each<[string, string, string]>([
    ['a reply', '{"type":"status_ok","in_reply_to":1}', 'a reply'],
    ['a reply with a msg_id', '{"type":"status_ok","in_reply_to":1,"msg_id":2}', 'a reply'],
    ['a reply whose in_reply_to is null', '{"type":"status","in_reply_to":null,"msg_id":2}', 'a reply'],
    ['a reply with a malformed msg_id', '{"type":"status","in_reply_to":1,"msg_id":"2"}', 'a reply'],
    ['a reply without type', '{"in_reply_to":1,"msg_id":2}', 'a reply'],
    ['an error to us', '{"type":"error","in_reply_to":1,"code":12,"text":"x"}', 'a reply'],
    [
      'an error to nobody',
      '{"type":"error","code":12,"text":"x","msg_id":2}',
      'an error that somebody reports',
    ],
    ['an error with a malformed msg_id', '{"type":"error","msg_id":1.5}', 'an error that somebody reports'],
  ])('is ignored: %s', (_what, body, reason) => {
    expect(enveloped(body)).toEqual({ kind: 'ignored', reason })
  })

  test('is ignored without an envelope too', () => {
    expect(read('{"type":"status","in_reply_to":1,"msg_id":2}')).toEqual({
      kind: 'ignored',
      reason: 'a reply',
    })
  })

  test('is ignored although it is nested too deeply', () => {
    expect(enveloped(`{"type":"error","msg_id":1,"a":${brackets(100)}}`)).toMatchObject({ kind: 'ignored' })
    expect(enveloped(`{"type":"x","in_reply_to":1,"msg_id":1,"a":${brackets(100)}}`)).toMatchObject({
      kind: 'ignored',
    })
  })
})

describe('a request that is refused', () => {
  test.each<[string, string, unknown]>([
    ['a text', '"7"', '7'],
    ['an empty text', '""', ''],
    ['a fraction', '1.5', 1.5],
    ['true', 'true', true],
    ['null', 'null', null],
    ['an object', '{"a":[1]}', { a: [1] }],
    ['an array', '[7]', [7]],
    ['2^53', '9007199254740992', 9_007_199_254_740_992],
    ['beyond 2^53, rounded by the parser', '9007199254740993', 9_007_199_254_740_992],
    ['far beyond', '1e300', 1e300],
    ['far below', '-1e300', -1e300],
  ])('says the msg_id as it was read: %s', (_what, written, inReplyTo) => {
    const body = `{"type":"status","msg_id":${written}}`
    expect(enveloped(body)).toEqual({ kind: 'refused', ...c1, inReplyTo, text: unsafe })
    expect(read(body)).toEqual({ kind: 'refused', ...bare, inReplyTo, text: unsafe })
  })

  test.each(['1e400', '-1e400'])('leaves a msg_id out that the parser has lost: %s', (written) => {
    expect(enveloped(`{"type":"status","msg_id":${written}}`)).toEqual({
      kind: 'refused',
      ...c1,
      inReplyTo: undefined,
      text: unsafe,
    })
  })

  test.each<[string, string]>([
    ['{"msg_id":3}', 'type is missing'],
    ['{"msg_id":3,"type":5}', 'type is not a string'],
    ['{"msg_id":3,"type":null}', 'type is not a string'],
    ['{"msg_id":3,"type":["status"]}', 'type is not a string'],
  ])('has no type: %s', (body, text) => {
    expect(enveloped(body)).toEqual({ kind: 'refused', ...c1, inReplyTo: 3, text })
  })

  test('has a type that is not a string, and no envelope', () => {
    expect(read('{"msg_id":3,"type":5}')).toEqual({
      kind: 'refused',
      ...bare,
      inReplyTo: 3,
      text: 'type is not a string',
    })
  })

  test('is told of its msg_id first when its type is wrong too', () => {
    expect(enveloped('{"msg_id":"3","type":5}')).toMatchObject({ kind: 'refused', text: unsafe })
  })
})

describe('a message nested deeper than 64 levels', () => {
  test('is refused when its msg_id can be read', () => {
    expect(enveloped(`{"type":"status","msg_id":3,"a":${brackets(63)}}`)).toEqual({
      kind: 'refused',
      ...c1,
      inReplyTo: 3,
      text: tooDeep,
    })
    expect(read(`{"type":"status","msg_id":3,"a":${brackets(64)}}`)).toEqual({
      kind: 'refused',
      ...bare,
      inReplyTo: 3,
      text: tooDeep,
    })
  })

  test('counts its envelope, and is a request with one level less', () => {
    expect(enveloped(`{"type":"status","msg_id":3,"a":${brackets(62)}}`)).toMatchObject({ kind: 'request' })
    expect(read(`{"type":"status","msg_id":3,"a":${brackets(63)}}`)).toMatchObject({ kind: 'request' })
  })

  test.each<[string, string, unknown]>([
    ['"7"', 'a text', '7'],
    ['1.5', 'a fraction', 1.5],
    ['1e400', 'a lost one', undefined],
    ['null', 'null', null],
  ])('is refused with the msg_id %s, %s', (written, _what, inReplyTo) => {
    expect(enveloped(`{"type":"status","msg_id":${written},"a":${brackets(100)}}`)).toEqual({
      kind: 'refused',
      ...c1,
      inReplyTo,
      text: tooDeep,
    })
  })

  test('is refused without a type too', () => {
    expect(enveloped(`{"msg_id":3,"a":${brackets(100)}}`)).toMatchObject({ kind: 'refused', text: tooDeep })
  })

  test.each<[string, string]>([
    ['has none', `{"type":"status","a":${brackets(100_000)}}`],
    ['has one that is what is nested', `{"type":"status","msg_id":${brackets(100_000)}}`],
  ])('is ignored when its msg_id cannot be read: it %s', (_what, body) => {
    expect(enveloped(body)).toMatchObject({ kind: 'ignored' })
  })

  test.each<[string, string]>([
    ['beside the body', `"src":"c1","dest":"n1","a":${brackets(100_000)}`],
    ['as the dest', `"src":"c1","dest":${brackets(100_000)}`],
  ])('is refused although the levels are %s', (_what, address) => {
    expect(enveloped('{"type":"status","msg_id":3}', address)).toMatchObject({
      kind: 'refused',
      inReplyTo: 3,
    })
  })

  test('is ignored when its src is what is nested', () => {
    expect(enveloped('{"type":"status","msg_id":3}', `"src":${brackets(100_000)}`)).toMatchObject({
      kind: 'ignored',
    })
  })
})
