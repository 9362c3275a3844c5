import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { startNode } from '../../support/node-process.ts'
import {
  answered,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  err,
  expand,
  FRESH,
  migrateData,
  play,
  type Reply,
  type Row,
  row,
  type Scenario,
} from './scenario.ts'

/** T11 of the protocol: every row of 6.7, as the bytes that go in and those that come out. */

const envelope = (body: unknown, more: object = {}): string =>
  JSON.stringify({ src: 'c1', dest: 'n1', body, ...more })

const ID_TEXT = 'msg_id is not an integer in the safe range'
const badId = (id: string): string =>
  `{"type": "error", "in_reply_to": ${id}, "code": 12, "text": "${ID_TEXT}"}`

const nested = (levels: number, inner: string): string =>
  `${'{"a": '.repeat(levels)}${inner}${'}'.repeat(levels)}`

const HEARTBEAT = { type: 'heartbeat', instance: 'nobody' }
const FORGOTTEN = err(20, /nobody/)

/** Requests that are refused by what they lack; the same before `init` and after it. */
const refused = (to?: string): readonly Row[] => {
  const say = (number: number | string, body: object, reply: Reply): Row =>
    to === undefined
      ? row(number, { msg_id: 5, ...body }, reply)
      : row(number, envelope({ msg_id: 5, ...body }), reply, to)
  return [
    say(66, { type: 'frobnicate' }, err(10, /frobnicate/)),
    say('66, a name of every object', { type: 'constructor' }, err(10, /constructor/)),
    say('66, capitals', { type: 'MIGRATE', phase: 'expand' }, err(10)),
    say(67, { type: 'migrate' }, err(12, /phase/)),
    say('67, a number', { type: 'migrate', phase: 1 }, err(12, /phase/)),
    say('67, null', { type: 'migrate', phase: null }, err(12, /phase/)),
    say(68, { type: 'migrate', phase: 'EXPAND' }, err(10, /EXPAND/)),
    say('68, unknown', { type: 'migrate', phase: 'verify' }, err(10, /verify/)),
    say('68, a name of every object', { type: 'migrate', phase: 'toString' }, err(10)),
    say(69, { type: 'migrate', phase: 'expand', add_column: 'x' }, err(12, /table/)),
    say(69, { type: 'migrate', phase: 'expand', table: 'users' }, err(12, /add_column/)),
    say(69, { type: 'migrate', phase: 'migrate_data', to: 'x' }, err(12, /from/)),
    say(69, { type: 'migrate', phase: 'migrate_data', from: 'name' }, err(12, /"to"/)),
    say(69, { type: 'migrate', phase: 'contract', remove_column: 'name' }, err(12, /table/)),
    say(69, { type: 'migrate', phase: 'contract', table: 'users' }, err(12, /remove_column/)),
    say('69, a number', expand(1, 'x'), err(12, /table/)),
    say('69, a list', expand('users', ['x']), err(12, /add_column/)),
    say('69, null', migrateData(null, 'x'), err(12, /from/)),
    say('69, an object', migrateData('name', {}), err(12, /"to"/)),
    say('69, a truth value', contract(true, 'name'), err(12, /table/)),
    say('69, a number', contract('users', 0), err(12, /remove_column/)),
    say('69, optional ones, too', contract('users', 'name', { to: 1 }), err(12, /"to"/)),
    say('69, optional ones, too', expand('users', 'x', { column_type: 1 }), err(12, /column_type/)),
    say('69, optional ones, too', migrateData('name', 'x', { strict: 'yes' }), err(12, /strict/)),
    say('69, optional ones, too', contract('users', 'name', { with_prerequisites: 1 }), err(12, /with_pre/)),
    say('69, optional ones, too', migrateData('name', 'x', { timeout_ms: '5s' }), err(12, /timeout_ms/)),
    say('69, optional ones, too', expand('users', 'x', { max_lock_duration_ms: 0 }), err(12, /max_lock/)),
    say(70, expand('users', 'x', { nullable: false }), err(12, /nullable/)),
    say('70, no truth value', expand('users', 'x', { nullable: 'no' }), err(12, /nullable/)),
    say('a type that is none', expand('users', 'x', { column_type: 'text; drop table users' }), err(12)),
    say('a type that is not there', expand('users', 'x', { column_type: 'nonsense' }), err(12, /nonsense/)),
  ]
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'rows 65, 66 to 70: refusals, bare',
    steps: [
      row(65, '{"type": "init", "msg_id": 1}', err(12, /node_id/)),
      row(65, '{"type": "init", "msg_id": 1, "node_id": 7, "node_ids": ["n1"]}', err(12, /node_id/)),
      row(65, '{"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": "n1"}', err(12, /node_ids/)),
      row(65, '{"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": [1]}', err(12, /node_ids/)),
      row(65, '{"type": "init", "msg_id": 1, "node_id": "", "node_ids": []}', err(12, /node_id/)),
      answered,
      row('65, still bare', envelope({ ...HEARTBEAT, msg_id: 2 }), FORGOTTEN),
      answered,
      ...refused(),
      row(
        'nothing was done',
        { type: 'status' },
        '{"type": "migration_status", "in_reply_to": N, "migrations": [], "schemas": {}}',
      ),
    ],
  },
  {
    title: 'rows 63, 64, 66 to 70: after init everything comes in an envelope',
    steps: [
      row(
        63,
        '{"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}}',
        '{"type": "init_ok", "in_reply_to": 1}',
        'c0',
      ),
      row(
        64,
        '{"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}}',
        '{"type": "init_ok", "in_reply_to": 1}',
        'c0',
      ),
      row(
        64,
        '{"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 2, "node_id": "n2", "node_ids": ["n2"]}}',
        err(22, /n1/),
        'c0',
      ),
      answered,
      row('64, it stays who it is', envelope({ ...HEARTBEAT, msg_id: 2 }), FORGOTTEN, 'c1'),
      ...refused('c1'),
      answered,
      row('5.2, bare in, bare out', { ...HEARTBEAT, msg_id: 9 }, FORGOTTEN),
      answered,
      row(
        '5.2, meant for another',
        '{"src": "c7", "dest": "n2", "body": {"type": "heartbeat", "instance": "nobody", "msg_id": 3}}',
        FORGOTTEN,
        'c7',
      ),
      answered,
      row('5.1, not over several lines any more', '{"type": "heartbeat",', undefined),
      row('5.1, not over several lines any more', ' "instance": "nobody", "msg_id": 4}', undefined),
      row('5.1, and then', envelope({ ...HEARTBEAT, msg_id: 5 }), FORGOTTEN, 'c1'),
    ],
  },
  {
    title:
      'rows 71, 72, 74, 77, 79: what nobody can be answered for leaves no trace on stdout, and nothing is done',
    steps: [
      ...[
        'hello',
        '{',
        '}',
        '[1, 2]',
        '[]',
        '7',
        '-0.5e3',
        '"migrate"',
        'null',
        'true',
        '{"a": 1',
        "{'type': 'migrate'}",
        '{"msg_id": 1}',
        '{"src": "c1", "dest": "n1"}',
        '{}',
        '{"body": 5, "src": "c1"}',
        '{"body": null, "src": "c1"}',
        '{"body": [], "src": "c1"}',
        '{"body": "x", "src": "c1"}',
        '\u0000',
        '\ufffd\ufffd',
        'GET / HTTP/1.1',
        '<xml/>',
      ].map((line) => row(71, line, undefined)),
      ...[undefined, '', 5, null, ['c1'], {}].map((src) =>
        row(
          72,
          JSON.stringify({ src, dest: 'n1', body: { ...expand('users', 'full_name'), msg_id: 1 } }),
          undefined,
        ),
      ),
      row(74, JSON.stringify(expand('users', 'full_name')), undefined),
      row(74, envelope(expand('users', 'full_name')), undefined),
      row(
        '74, beside the body',
        JSON.stringify({ src: 'c1', dest: 'n1', msg_id: 1, body: expand('users', 'full_name') }),
        undefined,
      ),
      row('74, and no type', '{"body": {}, "src": "c1", "dest": "n1"}', undefined),
      row(77, { ...expand('users', 'full_name'), msg_id: 1, in_reply_to: 1 }, undefined),
      row('77, null', { ...expand('users', 'full_name'), msg_id: 1, in_reply_to: null }, undefined),
      row(77, '{"type": "error", "msg_id": 1, "code": 13, "text": "x"}', undefined),
      row(79, `{"type": "migrate", "msg_id": 1, "pad": "${'x'.repeat(1_048_576)}"}`, undefined),
      row('79, of other bytes', 'é'.repeat(600_000), undefined),
      row(
        'the next line is served',
        { type: 'status', msg_id: 99 },
        '{"type": "migration_status", "in_reply_to": N, "migrations": [], "schemas": {}}',
      ),
      async ({ node }) => {
        for (const word of ['not a JSON object', 'too long', 'no msg_id', 'a reply', 'src is not'])
          expect(node.stderr(), 'stderr says so').toContain(word)
      },
    ],
  },
  {
    title: 'rows 73, 75, 76, 78, 80: what is answered with 12, and what is left alone',
    steps: [
      row(
        73,
        '{"msg_id": 3, "src": "c1", "dest": "n1", "body": {"msg_id": 4}}',
        '{"type": "error", "in_reply_to": 4, "code": 12, "text": "type is missing"}',
      ),
      answered,
      row(
        '73, ill-typed',
        '{"type": 5, "msg_id": 3}',
        '{"type": "error", "in_reply_to": 3, "code": 12, "text": "type is not a string"}',
      ),
      ...(
        [
          ['"7"', '"7"'],
          ['1.5', '1.5'],
          ['true', 'true'],
          ['null', 'null'],
          ['[1]', '[1]'],
          ['{"a": 1}', '{"a": 1}'],
          ['9007199254740993', '9007199254740992'],
          ['-9007199254740993', '-9007199254740992'],
          ['1e300', '1e+300'],
        ] as const
      ).map(([id, read]) =>
        row(Number.isNaN(Number(id)) ? 75 : 76, `{"type": "status", "msg_id": ${id}}`, badId(read)),
      ),
      row(
        '76, lost',
        '{"type": "status", "msg_id": 1e400}',
        `{"type": "error", "code": 12, "text": "${ID_TEXT}"}`,
      ),
      ...(['0', '-1', '9007199254740991', '-9007199254740991', '1e3', '5.0'] as const).map((id) =>
        row(
          '5.2, any safe integer',
          `{"type": "heartbeat", "instance": "nobody", "msg_id": ${id}}`,
          FORGOTTEN,
        ),
      ),
      answered,
      row(
        78,
        JSON.stringify({
          id: 77,
          src: 'c1',
          dest: 'n1',
          trace: {},
          body: { ...HEARTBEAT, msg_id: 8, canary_percentage: 5, id: 'x' },
        }),
        FORGOTTEN,
      ),
      answered,
      row(
        '78, of a name of every object',
        '{"type": "heartbeat", "instance": "nobody", "msg_id": 9, "__proto__": {"type": "x"}, "constructor": 1}',
        FORGOTTEN,
      ),
      row(
        '5.1, of two keys the last wins',
        '{"type": "nonsense", "msg_id": 10, "msg_id": 10, "type": "heartbeat", "instance": "somebody", "instance": "nobody"}',
        FORGOTTEN,
      ),
      row(
        '80, 64 levels are no problem',
        `{"msg_id": 11, "type": "heartbeat", "instance": "nobody", "a": ${nested(63, '1')}}`,
        FORGOTTEN,
      ),
      row(
        80,
        `{"msg_id": 12, "type": "heartbeat", "instance": "nobody", "a": ${nested(64, '1')}}`,
        '{"type": "error", "in_reply_to": 12, "code": 12, "text": "nested deeper than 64 levels"}',
      ),
      row(
        '80, lists',
        `{"msg_id": 13, "type": "heartbeat", "a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
        '{"type": "error", "in_reply_to": 13, "code": 12, "text": "nested deeper than 64 levels"}',
      ),
      row('80, no msg_id', `{"type": "heartbeat", "a": ${nested(65, '1')}}`, undefined),
      row('5.1, a BOM is for the first line only', '\ufeff{"type": "status", "msg_id": 14}', undefined),
      row('5.1, blank lines', '\n\r\n   \n', undefined),
      row('5.1, both kinds of newline', `${JSON.stringify({ ...HEARTBEAT, msg_id: 15 })}\r`, FORGOTTEN),
    ],
  },
]

describe('6.7, the protocol (T11)', () => {
  test.for(SCENARIOS)('$title', (scenario) => play(scenario))

  test.for([
    ['bare', '{"type": "init_ok", "in_reply_to": 1}', EXPANDED],
    [
      'envelope',
      '{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1}}',
      `{"src": "n1", "dest": "admin", "body": ${EXPANDED}}`,
    ],
  ] as const)('--replies %s wins over what init says', async ([form, initialised, expanded]) => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH, '--replies', form])
    const before = await node.ask(
      '{"src": "admin", "dest": "x", "body": {"type": "heartbeat", "instance": "nobody", "msg_id": 1}}',
    )
    expect(before.startsWith(form === 'bare' ? '{"type"' : '{"src": "x", "dest": "admin"')).toBe(true)
    expect(
      await node.ask(
        '{"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}}',
      ),
    ).toBe(initialised)
    const line = await node.ask({
      src: 'admin',
      dest: 'n1',
      body: { ...expand('users', 'full_name'), msg_id: 1 },
    })
    expect(line).toBe(expanded.replace('N', '1'))
    expect((await node.end()).code).toBe(0)
  })

  test('a last line without a newline counts, and a BOM on the first one is skipped', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH])
    const first = JSON.stringify({ ...expand('users', 'full_name'), msg_id: 1 })
    const last = JSON.stringify({ ...migrateData('name', 'full_name'), msg_id: 2 })
    const { code, lines } = await node.end(`\ufeff${first}\r\n${last}`)
    expect(lines).toEqual([EXPANDED.replace('N', '1'), COPIED.replace('N', '2'), ''])
    expect(code).toBe(0)
  })

  test('--max-line-bytes says what is too long', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, '--max-line-bytes', '100'])
    const long = JSON.stringify({ ...expand('users', 'full_name'), msg_id: 1, pad: 'x'.repeat(100) })
    const { lines, stderr } = await node.end(`${long}\n${JSON.stringify({ ...HEARTBEAT, msg_id: 2 })}\n`)
    expect(lines).toEqual([expect.stringMatching(/^\{"type": "error", "in_reply_to": 2, "code": 20, /), ''])
    expect(stderr).toContain('too long')
  })
})
