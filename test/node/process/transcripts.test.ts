import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { cleanUp, testDatabase } from '../../support/database.ts'
import {
  builtMain,
  demoUrl,
  type NodeProcess,
  postmasterOf,
  queryAt,
  startNode,
  until,
} from '../../support/node-process.ts'
import {
  again,
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  FRESH,
  migrateData,
  type Request,
} from './scenario.ts'

/** The three messages as the protocol writes them. */
const MESSAGES = [
  '{"type":"migrate","msg_id":1,"phase":"expand","table":"users","add_column":"full_name"}',
  '{"type":"migrate","msg_id":2,"phase":"migrate_data","from":"name","to":"full_name"}',
  '{"type":"migrate","msg_id":3,"phase":"contract","table":"users","remove_column":"name"}',
] as const
const REPLIES = [EXPANDED, COPIED, CONTRACTED] as const

const inEnvelope = (body: string): string => `{"src":"admin","dest":"migrations","body":${body}}`
const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('')
const to = (id: number, reply: string): string => reply.replace('N', String(id))
/** What is on stdout after the three messages with these ids, to the byte. */
const answers = (ids: readonly number[]): string =>
  lines(REPLIES.map((reply, at) => to(ids[at] as number, reply)))
const withId = (message: string, id: number): string => message.replace(/"msg_id":\d+/, `"msg_id":${id}`)

/** The node still runs and nothing is closed: what its database holds now. */
async function demoIsRenamed(node: NodeProcess): Promise<void> {
  expect(
    await queryAt(
      demoUrl(node),
      `select count(*)::int as rows, count(*) filter (where full_name = 'User ' || id)::int as original,
          (select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns
             where table_name = 'users') as columns
         from users`,
    ),
  ).toEqual([{ rows: 1000, original: 1000, columns: 'id full_name' }])
}

/** From the start of the process to its reply, which nobody judges: other work may be on the machine. */
async function timed(
  what: string,
  input: string,
): Promise<{ readonly node: NodeProcess; readonly line: string }> {
  // Compiling it is no part of its start.
  builtMain()
  const began = performance.now()
  const node = startNode()
  node.write(input)
  const line = await node.line()
  const tookMs = Math.round(performance.now() - began)
  const load = loadavg().map((one) => one.toFixed(1))
  console.info(`${what}: ${tookMs} ms from the start of the process to its reply (load ${load.join(' ')})`)
  return { node, line }
}

describe('on the demo database of the node', () => {
  test('T1: the first message alone, in an envelope and without init', async () => {
    const { node, line } = await timed('check (a)', lines([inEnvelope(MESSAGES[0])]))
    expect(line).toBe(to(1, EXPANDED))
    const { code } = await node.end()
    expect({ stdout: node.stdout(), code }).toEqual({ stdout: lines([to(1, EXPANDED)]), code: 0 })
  })

  test('T2: the second message alone, as the first of a fresh node', async () => {
    const { node, line } = await timed('check (b)', lines([inEnvelope(withId(MESSAGES[1], 1))]))
    expect(line).toBe(to(1, COPIED))
    const status = await node.ask('{"type":"status","msg_id":2}')
    expect(status).toContain(
      '"migrations": [{"version": 1, "name": "add_full_name_column", "applied": true, "implied": true}, {"version": 2, ',
    )
    const filled = await queryAt(demoUrl(node), 'select count(*)::int as n from users where full_name = name')
    expect(filled).toEqual([{ n: 1000 }])
    expect((await node.end()).code).toBe(0)
  })

  test.for<[string, string]>([
    ['T3: all three in one input', lines(MESSAGES.map(inEnvelope))],
    [
      'T4: each printed over several lines',
      lines(MESSAGES.map((message) => JSON.stringify(JSON.parse(inEnvelope(message)), null, 2))),
    ],
    ['T5: bare bodies', lines(MESSAGES)],
  ])('%s', async ([, input]) => {
    const node = startNode()
    node.write(input)
    for (const reply of answers([1, 2, 3]).split('\n').slice(0, -1)) expect(await node.line()).toBe(reply)
    await demoIsRenamed(node)
    const { code, signal } = await node.end()
    expect({ stdout: node.stdout(), code, signal }).toEqual({
      stdout: answers([1, 2, 3]),
      code: 0,
      signal: null,
    })
  })

  test('T3: with the end of the input right behind it', async () => {
    const node = startNode()
    const { code } = await node.end(lines(MESSAGES.map(inEnvelope)))
    expect({ stdout: node.stdout(), code }).toEqual({ stdout: answers([1, 2, 3]), code: 0 })
  })

  test('T10: contract waits for the instance that uses the old column, and passes when it was updated', async () => {
    const node = startNode()
    const say = (id: number, body: Request): string => JSON.stringify({ ...body, msg_id: id })
    node.write(
      lines([
        say(1, migrateData('name', 'full_name')),
        say(2, { type: 'register_instance', instance: 'app-1', uses: ['users.name'] }),
        say(3, contract('users', 'name')),
        say(4, { type: 'heartbeat', instance: 'app-1', uses: ['users.full_name'] }),
        say(5, contract('users', 'name')),
      ]),
    )
    expect(await node.line()).toBe(to(1, COPIED))
    expect(await node.line()).toBe(
      '{"type": "instance_registered", "in_reply_to": 2, "instance": "app-1", "uses": ["users.name"], "lease_ms": 30000}',
    )
    expect(await node.line()).toMatch(
      /^\{"type": "error", "in_reply_to": 3, "code": 22, "text": ".*", "blocking_instances": \["app-1"\]\}$/,
    )
    expect(await node.line()).toBe(
      '{"type": "heartbeat_ok", "in_reply_to": 4, "instance": "app-1", "lease_ms": 30000}',
    )
    expect(await node.line()).toBe(to(5, CONTRACTED))
    await demoIsRenamed(node)
    expect((await node.end()).lines).toHaveLength(6)
  })
})

describe('the embedded server of a node', () => {
  test('ends with it when its input is closed at once, and leaves nothing on stdout', async () => {
    const node = startNode()
    expect(await node.end()).toEqual({ code: 0, signal: null, lines: [''], stderr: '' })
  })

  test('can be lost: the node says so and goes on', async () => {
    const node = startNode()
    expect(await node.ask(MESSAGES[0])).toBe(to(1, EXPANDED))
    process.kill(postmasterOf(node), 'SIGQUIT')
    // A message that was answered gets the same answer again, so each is a new one.
    let id = 2
    const status = (): Promise<string> => node.ask(`{"type":"status","msg_id":${id}}`)
    await until(async () => {
      id += 1
      return !(await status()).includes('migration_status')
    }, 'it is gone')
    id += 1
    expect(await status()).toMatch(new RegExp(`"in_reply_to": ${id}, "code": 11`))
    expect((await node.end()).code).toBe(0)
  })

  test('A13: in a kept folder others may have been, so that a contract wants to know of instances', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'kept-'))
    cleanUp(async () => rmSync(folder, { recursive: true, force: true }))
    const node = startNode(['--data', folder])
    const { lines: replies, code } = await node.end(lines(MESSAGES))
    expect(code).toBe(0)
    expect(replies.slice(0, 2)).toEqual([to(1, EXPANDED), to(2, COPIED)])
    expect(replies[2]).toMatch(
      /^\{"type": "error", "in_reply_to": 3, "code": 22, "text": ".*no instance was ever registered/,
    )
  })
})

describe('on a database that is there already', () => {
  test('T6: init makes the replies envelopes, without a msg_id of their own', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH])
    const init = '{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}'
    const { code } = await node.end(
      lines([init, ...MESSAGES.map((message) => `{"id":7,${inEnvelope(message).slice(1)}`)]),
    )
    expect(code).toBe(0)
    const [initialised, ...others] = node.stdout().split('\n')
    expect(initialised).toBe('{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1}}')
    expect(others.join('\n')).toBe(
      lines(REPLIES.map((reply, at) => `{"src": "n1", "dest": "admin", "body": ${to(at + 1, reply)}}`)),
    )
  })

  test('T7: twice over with new ids, the second time from the history', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH])
    const second = MESSAGES.map((message, at) => withId(message, at + 4))
    const { code } = await node.end(lines([...MESSAGES, ...second]))
    expect(code).toBe(0)
    expect(node.stdout()).toBe(
      answers([1, 2, 3]) + lines(REPLIES.map((reply, at) => to(at + 4, again(reply)))),
    )
  })

  test('T7: after a restart with the same ids, from the history, too', async () => {
    const database = await testDatabase(DEMO)
    for (const wanted of [REPLIES, REPLIES.map(again)]) {
      const node = startNode(['--database', database.url, ...FRESH])
      await node.end(lines(MESSAGES))
      expect(node.stdout()).toBe(lines(wanted.map((reply, at) => to(at + 1, reply))))
    }
  })

  test('T9: garbage between the messages changes nothing on stdout', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH])
    const garbage: readonly string[] = [
      'hello',
      '[1, 2, 3]',
      '42',
      'null',
      '"text"',
      '{"type":"migrate","phase":"contract","table":"users","remove_column":"name"}',
      '{"src":"admin","dest":"x"}',
      '{"src":7,"dest":"x","body":{"type":"status","msg_id":1}}',
      '{"body":5}',
      '\u0000\u0001',
      '{"type":"migrate","msg_id":',
      'x'.repeat(2_000_000),
      '{"type":"error","msg_id":1,"code":13}',
      '',
      '   ',
      '{"type":"init_ok","in_reply_to":1,"msg_id":1}',
      '['.repeat(200_000),
      '}}}}',
      '\ufeff',
    ]
    const input = MESSAGES.flatMap((message) => [...garbage, message, ...garbage])
    const { code, stderr } = await node.end(lines(input))
    expect({ stdout: node.stdout(), code }).toEqual({ stdout: answers([1, 2, 3]), code: 0 })
    expect(stderr.split('\n').length).toBeGreaterThan(6 * 10)
  })

  test.for([
    ['T12: two nodes are told the same at the same time', 'at once'],
    ['T12: two nodes are told by turns', 'by turns'],
  ] as const)('%s, and each version is made once', async ([, how]) => {
    const database = await testDatabase(DEMO)
    const nodes = [0, 1].map(() => startNode(['--database', database.url, ...FRESH]))
    const heard = how === 'at once' ? await together(nodes) : await byTurns(nodes)
    for (const [at, reply] of REPLIES.entries()) {
      const said = heard.map((replies) => replies[at] as string)
      expect(said.toSorted(), `each of them once: ${reply}`).toEqual(
        [to(at + 1, again(reply)), to(at + 1, reply)].toSorted(),
      )
    }
    expect(await database.query('select version, name from bellows.version order by version')).toEqual([
      { version: 1, name: 'add_full_name_column' },
      { version: 2, name: 'copy_name_to_full_name' },
      { version: 3, name: 'remove_name_column' },
    ])
    expect(
      await database.query(`select count(*)::int as n from users where full_name = 'User ' || id`),
    ).toEqual([{ n: 1000 }])
  })
})

async function together(nodes: readonly NodeProcess[]): Promise<readonly (readonly string[])[]> {
  const ended = await Promise.all(nodes.map((node) => node.end(lines(MESSAGES))))
  return ended.map((one) => one.lines)
}

async function byTurns(nodes: readonly NodeProcess[]): Promise<readonly (readonly string[])[]> {
  const heard: string[][] = nodes.map(() => [])
  for (const [at, message] of MESSAGES.entries()) {
    // The one that was second before is first now.
    const order = at % 2 === 0 ? [0, 1] : [1, 0]
    for (const which of order) heard[which]?.push((await nodes[which]?.ask(message)) ?? '')
  }
  return heard
}
