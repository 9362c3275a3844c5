import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Refused, Request } from '../../src/node/envelope.ts'
import type { Answer } from '../../src/node/handler.ts'
import { jsonText, type ReplyForm, refuse, reply } from '../../src/node/reply.ts'

const request = (of: Partial<Request> = {}): Request => ({
  kind: 'request',
  src: 'admin',
  dest: 'migrations',
  isBare: false,
  msgId: 1,
  body: { type: 'migrate', msg_id: 1 },
  ...of,
})

const bareRequest = request({ src: '', dest: '', isBare: true })

const refused = (inReplyTo: unknown): Refused => ({
  kind: 'refused',
  src: 'c1',
  dest: 'n1',
  isBare: false,
  inReplyTo,
  text: 'type is missing',
})

const auto: ReplyForm = { replies: 'auto', nodeId: undefined }
const initialised: ReplyForm = { replies: 'auto', nodeId: 'n1' }

describe('the three replies', () => {
  test.each<[string, number, Answer, string]>([
    [
      'expand',
      1,
      {
        type: 'migration_applied',
        version: 1,
        name: 'add_full_name_column',
        schema: 'users (name, full_name NULL)',
        backward_compatible: true,
      },
      '{"type": "migration_applied", "in_reply_to": 1, "version": 1, "name": "add_full_name_column", "schema": "users (name, full_name NULL)", "backward_compatible": true}',
    ],
    [
      'migrate_data',
      2,
      { type: 'data_migrated', version: 2, rows_migrated: 1_000 },
      '{"type": "data_migrated", "in_reply_to": 2, "version": 2, "rows_migrated": 1000}',
    ],
    [
      'contract',
      3,
      { type: 'migration_applied', version: 3, name: 'remove_name_column', schema: 'users (full_name)' },
      '{"type": "migration_applied", "in_reply_to": 3, "version": 3, "name": "remove_name_column", "schema": "users (full_name)"}',
    ],
  ])('have the known bytes: %s', (_phase, msgId, answer, line) => {
    expect(reply(request({ msgId }), auto, answer)).toEqual({ line, code: undefined })
    expect(reply({ ...bareRequest, msgId }, auto, answer)).toEqual({ line, code: undefined })
  })

  test('are the same bytes within an envelope after an init', () => {
    const answer = { type: 'data_migrated', version: 2, rows_migrated: 1_000 }
    expect(reply(request({ msgId: 2 }), initialised, answer).line).toBe(
      '{"src": "n1", "dest": "admin", "body": {"type": "data_migrated", "in_reply_to": 2, "version": 2, "rows_migrated": 1000}}',
    )
  })

  test('have the fields of the answer in their order, whatever these are', () => {
    const answer = { type: 'x', z: 1, a: 2, m: 3, already_applied: true }
    expect(reply(request(), auto, answer).line).toBe(
      '{"type": "x", "in_reply_to": 1, "z": 1, "a": 2, "m": 3, "already_applied": true}',
    )
  })
})

describe('init_ok', () => {
  test('has the known bytes', () => {
    const init = request({ src: 'c0', dest: 'n1', body: { type: 'init', msg_id: 1 } })
    expect(reply(init, initialised, { type: 'init_ok' })).toEqual({
      line: '{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1}}',
      code: undefined,
    })
  })
})

describe('the form of a reply', () => {
  const envelope = (src: string): string =>
    `{"src": "${src}", "dest": "admin", "body": {"type": "x", "in_reply_to": 1}}`
  const body = '{"type": "x", "in_reply_to": 1}'

  test.each<[ReplyForm['replies'], string, string | undefined, string, string]>([
    ['auto', 'before an init', undefined, 'a bare body', body],
    ['auto', 'after an init', 'n1', 'an envelope', envelope('n1')],
    ['bare', 'before an init', undefined, 'a bare body', body],
    ['bare', 'after an init', 'n1', 'a bare body', body],
    [
      'envelope',
      'before an init',
      undefined,
      'an envelope from whom the request was sent to',
      envelope('migrations'),
    ],
    ['envelope', 'after an init', 'n1', 'an envelope', envelope('n1')],
  ])('with --replies %s, %s, is %s', (replies, _when, nodeId, _form, line) => {
    expect(reply(request(), { replies, nodeId }, { type: 'x' }).line).toBe(line)
  })

  test.each<ReplyForm>([
    { replies: 'auto', nodeId: undefined },
    { replies: 'auto', nodeId: 'n1' },
    { replies: 'bare', nodeId: 'n1' },
    { replies: 'envelope', nodeId: undefined },
    { replies: 'envelope', nodeId: 'n1' },
  ])('to a bare body is bare, as nobody else could get it: %o', (form) => {
    expect(reply(bareRequest, form, { type: 'x' }).line).toBe(body)
  })

  test('is from the node, although the request was sent to somebody else', () => {
    expect(reply(request({ dest: 'n9' }), initialised, { type: 'x' }).line).toBe(envelope('n1'))
  })

  test('quotes ids as JSON does', () => {
    const line = reply(request({ src: 'a"\\\n' }), { replies: 'auto', nodeId: 'é' }, { type: 'x' }).line
    expect(line).toBe('{"src": "é", "dest": "a\\"\\\\\\n", "body": {"type": "x", "in_reply_to": 1}}')
  })
})

describe('an error', () => {
  test('has its code, its text and then its figures', () => {
    const answer = {
      type: 'error',
      code: 22,
      text: 'app-1 uses it',
      blocking_instances: ['app-1', 'app-2'],
      silent: [],
    }
    expect(reply(request({ msgId: 9 }), auto, answer)).toEqual({
      line: '{"type": "error", "in_reply_to": 9, "code": 22, "text": "app-1 uses it", "blocking_instances": ["app-1", "app-2"], "silent": []}',
      code: 22,
    })
  })

  test('of code 0 has a code', () => {
    expect(reply(request(), auto, { type: 'error', code: 0, text: 'late' }).code).toBe(0)
  })

  test('is not what has a field of that name', () => {
    expect(reply(request(), auto, { type: 'status', code: 13 }).code).toBeUndefined()
  })

  test.each<[unknown, string]>([
    [3, '"in_reply_to": 3, '],
    ['7', '"in_reply_to": "7", '],
    [1.5, '"in_reply_to": 1.5, '],
    [true, '"in_reply_to": true, '],
    [null, '"in_reply_to": null, '],
    [9_007_199_254_740_992, '"in_reply_to": 9007199254740992, '],
    [1e300, '"in_reply_to": 1e+300, '],
    [{ a: [1, 2] }, '"in_reply_to": {"a": [1, 2]}, '],
    [undefined, ''],
  ])('of a malformed request repeats the msg_id %o as it was read', (inReplyTo, written) => {
    expect(refuse(refused(inReplyTo), auto)).toEqual({
      line: `{"type": "error", ${written}"code": 12, "text": "type is missing"}`,
      code: 12,
    })
  })

  test('of a malformed request is in an envelope after an init', () => {
    expect(refuse(refused(3), initialised).line).toBe(
      '{"src": "n1", "dest": "c1", "body": {"type": "error", "in_reply_to": 3, "code": 12, "text": "type is missing"}}',
    )
  })
})

describe('the text of a value', () => {
  test.each<[unknown, string]>([
    [null, 'null'],
    [true, 'true'],
    [0, '0'],
    [-0, '0'],
    [0.02, '0.02'],
    [1e21, '1e+21'],
    [Number.POSITIVE_INFINITY, 'null'],
    ['', '""'],
    ['a"b\\c\n\u0000', '"a\\"b\\\\c\\n\\u0000"'],
    ['é€😀', '"é€😀"'],
    ['\uD83D', '"\\ud83d"'],
    [[], '[]'],
    [{}, '{}'],
    [[1, [2, []], {}], '[1, [2, []], {}]'],
    [{ a: 1, b: { c: [1, 2] } }, '{"a": 1, "b": {"c": [1, 2]}}'],
    [{ 'a b': 1, '"': 2, '': 3 }, '{"a b": 1, "\\"": 2, "": 3}'],
    [{ a: undefined, b: 1, c: undefined }, '{"b": 1}'],
    [{ a: [undefined, 1] }, '{"a": [null, 1]}'],
    [undefined, 'null'],
  ])('of %o', (value, text) => {
    expect(jsonText(value)).toBe(text)
  })

  test('does not overflow the stack, however deep the value is', () => {
    const levels = 200_000
    let value: unknown = []
    for (let level = 1; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value }
    expect(jsonText(value)).toHaveLength(2 * levels + (levels / 2) * '"a": '.length)
  })

  test('does not overflow the stack, however wide the value is', () => {
    const wide = Array.from({ length: 300_000 }, () => 0)
    expect(jsonText({ wide })).toHaveLength('{"wide": []}'.length + 3 * 300_000 - 2)
  })

  test('is what JSON.parse reads the value from, on one line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = jsonText(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(text).not.toContain('\n')
      }),
      { numRuns: 500 },
    )
  })

  test('is that of JSON.stringify but for the blanks between its parts', () => {
    // No string here has a colon or a comma, so that those found are between the parts.
    const word = fc.stringMatching(/^[a-z"\\ ]{0,5}$/)
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        word,
        fc.integer(),
        fc.constant(null),
        tie('list'),
        tie('fields'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      fields: fc.dictionary(word, tie('value'), { maxKeys: 4 }),
    }))
    fc.assert(
      fc.property(value, (one) => {
        expect(jsonText(one)).toBe(JSON.stringify(one).replaceAll(/[:,]/g, '$& '))
      }),
      { numRuns: 500 },
    )
  })

  test('has its keys in the order that was asked for, at every depth', () => {
    const value = { b: [{ d: 1, c: 2 }], a: { f: 1, e: 2 } }
    expect(jsonText(value, (fields) => Object.keys(fields).sort())).toBe(
      '{"a": {"e": 2, "f": 1}, "b": [{"c": 2, "d": 1}]}',
    )
  })
})
