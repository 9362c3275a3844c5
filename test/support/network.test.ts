import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createLink } from './network/link.ts'
import { type Message, outcomeOf, readMessage } from './network/message.ts'
import { randomOf } from './network/random.ts'
import { type Entry, type Network, type NetworkOptions, openNetwork } from './network.ts'

vi.setConfig({ testTimeout: 30_000 })
const PATIENCE_MS = 20_000

const echoNode = [
  process.execPath,
  fileURLToPath(new URL('./fixtures/echo-node.mjs', import.meta.url)),
] as const

let opened: Network[] = []

afterEach(async () => {
  await Promise.allSettled(opened.map((network) => network.close()))
  opened = []
})

const open = (options: Partial<NetworkOptions> = {}): Network => {
  const network = openNetwork({ seed: 1, nodes: { n1: echoNode }, lifetimeMs: 25_000, ...options })
  opened.push(network)
  return network
}

const started = async (options: Partial<NetworkOptions> = {}): Promise<Network> => {
  const network = open(options)
  await network.start()
  return network
}

const events = (network: Network, event: Entry['event'], who: string): readonly Entry[] =>
  network.journal.filter((entry) => entry.event === event && entry.who === who)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a network without faults', () => {
  test('initialises every node and carries calls and their answers', async () => {
    const network = await started({ nodes: { n1: echoNode, n2: echoNode } })
    const client = network.client('c1')
    for (const node of ['n1', 'n2']) {
      const outcome = await client.call(node, { type: 'echo', echo: node })
      expect(outcome).toMatchObject({ kind: 'ok', body: { type: 'echo_ok', echo: node, answered: 1 } })
      expect(network.stderrOf(node)).toBe(`I am ${node}\n`)
    }
    await network.close()
  })

  test('numbers the messages of a client by itself, or takes the number that is given', async () => {
    const network = await started()
    const client = network.client('c1')
    const ids = [{}, {}, { msg_id: 77 }, {}].map(async (more) => {
      const outcome = await client.call('n1', { type: 'echo', ...more })
      return outcome.kind === 'ok' && outcome.body.in_reply_to
    })
    expect(await Promise.all(ids)).toEqual([1, 2, 77, 3])
    await network.close()
  })

  test('keeps the order of what one client sends', async () => {
    const network = await started()
    const client = network.client('c1')
    const calls = Array.from({ length: 200 }, (_, echo) => client.call('n1', { type: 'echo', echo }))
    await Promise.all(calls)
    expect(client.received.map((message) => message.body.echo)).toEqual(calls.map((_, index) => index))
    await network.close()
  })

  test('adds an id of its own beside the body of each message to a node', async () => {
    const network = await started()
    const client = network.client('c1')
    await client.call('n1', { type: 'echo' })
    await client.call('n1', { type: 'echo' })
    const [first, second] = client.received.map((message) => message.body.network_id)
    expect(first).toBeTypeOf('number')
    expect(second).toBe(Number(first) + 1)
    await network.close()
  })

  test('carries messages between nodes, later by a latency', async () => {
    const nodes = { n1: echoNode, n2: echoNode }
    const network = await started({ nodes, latencyMaxMs: 50 })
    const outcome = await network.client('c1').call('n1', { type: 'relay', via: 'n2', echo: 'far' })
    expect(outcome).toMatchObject({ kind: 'ok', body: { type: 'relay_ok', echo: 'far' } })
    const kinds = network.journal
      .filter((entry) => entry.message?.body.type === 'echo')
      .map((entry) => entry.event)
    expect(kinds).toEqual(['sent', 'delivered'])
    await network.close()
  })

  test('writes down what happened, in order and with the lines as they were', async () => {
    const network = await started()
    await network.client('c1').call('n1', { type: 'echo', echo: 'x' })
    await network.close()
    expect(network.journal.map((entry) => `${entry.who} ${entry.event}`)).toEqual([
      'n1 spawned',
      'c0 sent',
      'n1 delivered',
      'n1 said',
      'n1 sent',
      'c0 delivered',
      'c1 sent',
      'n1 delivered',
      'n1 said',
      'n1 sent',
      'c1 delivered',
      'n1 exited',
    ])
    expect(events(network, 'said', 'n1')[0]?.text).toBe(
      '{"src":"n1","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}',
    )
  })
})

describe('an outcome', () => {
  test.each([
    [0, false],
    [1, true],
    [10, true],
    [11, true],
    [12, true],
    [13, false],
    [14, true],
    [20, true],
    [21, true],
    [22, true],
    [30, true],
    [99, false],
    [1_000, false],
  ])('of error %i is definite: %s', async (code, isDefinite) => {
    const body = { type: 'error', in_reply_to: 1, code }
    expect(outcomeOf(body)).toEqual({ kind: 'error', code, isDefinite, body })
  })

  test('of a call that is refused has the code of the node', async () => {
    const network = await started()
    expect(await network.client('c1').call('n1', { type: 'refuse', code: 22 })).toMatchObject({
      kind: 'error',
      code: 22,
      isDefinite: true,
    })
    await network.close()
  })

  test('of a call that nobody answers is a time-out, after 5 s when nothing else is said', async () => {
    const network = await started()
    const startMs = performance.now()
    expect(await network.client('c1').call('n1', { type: 'silent' }, 100)).toEqual({ kind: 'timeout' })
    expect(await network.client('c1').call('n1', { type: 'silent' })).toEqual({ kind: 'timeout' })
    expect(performance.now() - startMs).toBeGreaterThan(4_900)
    await network.close()
  })

  test('is not changed by an answer that comes too late, which is written down', async () => {
    const network = await started()
    const client = network.client('c1')
    expect(await client.call('n1', { type: 'late', ms: 2_000 }, 50)).toEqual({ kind: 'timeout' })
    await vi.waitFor(() => expect(client.received).toHaveLength(1), PATIENCE_MS)
    expect(events(network, 'timed out', 'c1')).toHaveLength(1)
    expect(events(network, 'unasked', 'c1')).toHaveLength(1)
    await network.close()
  })
})

describe('a node that breaks a rule', () => {
  const line = (more: object): string =>
    JSON.stringify({ src: 'n1', dest: 'c1', body: { type: 'x' }, ...more })

  test.each<[string, string, string]>([
    ['text', 'starting up', 'which is not JSON'],
    ['nothing', '', 'which is not JSON'],
    ['a bare body', '{"type": "echo_ok", "in_reply_to": 1}', 'which is not exactly {src, dest, body}'],
    ['an array', '[]', 'which is not exactly {src, dest, body}'],
    ['a further key', line({ id: 5 }), 'which is not exactly {src, dest, body}'],
    ['a dest that is no text', line({ dest: 1 }), 'whose src and dest are not both strings'],
    ['the name of another', line({ src: 'n2' }), 'whose src is "n2"'],
    ['somebody unknown as dest', line({ dest: 'c9' }), 'whose dest "c9" is not known'],
    ['a body that is no object', line({ body: 'x' }), 'whose body is not an object with a type'],
    ['a body without type', line({ body: { in_reply_to: 1 } }), 'whose body is not an object with a type'],
  ])('by writing %s fails the network, with the seed in the message', async (_what, text, problem) => {
    const network = await started({ seed: 4_711 })
    const call = network.client('c1').call('n1', { type: 'say_text', text })
    await expect(call).rejects.toThrow(problem)
    await expect(network.close()).rejects.toThrow(`n1 wrote a line ${problem}: ${text} (seed 4711)`)
  })

  test.each([
    ['the name of another', { type: 'say_as', src: 'n2' }],
    ['somebody unknown', { type: 'say_to', dest: 'nobody' }],
  ])('by naming %s in an envelope fails the network', async (_what, body) => {
    const network = await started()
    await expect(network.client('c1').call('n1', body)).rejects.toThrow(/seed 1/)
    await expect(network.close()).rejects.toThrow(/n1 wrote a line/)
  })

  test('by ending within a line fails the network', async () => {
    const network = await started()
    const call = network.client('c1').call('n1', { type: 'say_part', text: '{"src":"n1"' })
    await expect(call).rejects.toThrow('n1 ended within a line: {"src":"n1" (seed 1)')
  })

  test('by ending unasked fails the network, with what it wrote on stderr', async () => {
    const network = await started({ seed: 99 })
    const call = network.client('c1').call('n1', { type: 'exit', code: 3 })
    await expect(call).rejects.toThrow(/n1 crashed \(exit code 3\): I am n1\nleaving as asked\n \(seed 99\)/)
    // Status 0 is no excuse: a node does not end by itself.
    const other = await started()
    await expect(other.client('c1').call('n1', { type: 'exit', code: 0 })).rejects.toThrow('exit code 0')
  })

  test('by not answering init in time fails the network', async () => {
    const network = open({ nodes: { n1: [...echoNode, 'mute'] }, initTimeoutMs: 300 })
    await expect(network.start()).rejects.toThrow(
      'n1 did not answer init with init_ok: {"kind":"timeout"} (seed 1)',
    )
    await expect(network.close()).rejects.toThrow('n1 did not answer init')
  })

  test('by not being there fails the network', async () => {
    const network = open({ nodes: { n1: ['/no/such/program'] } })
    await expect(network.start()).rejects.toThrow(/n1 could not be started: .*ENOENT.*\(seed 1\)/)
  })

  test('fails everything that comes after it', async () => {
    const network = await started()
    const client = network.client('c1')
    const waiting = client.call('n1', { type: 'silent' })
    await expect(client.call('n1', { type: 'say_text', text: 'x' })).rejects.toThrow('not JSON')
    await expect(waiting).rejects.toThrow('not JSON')
    await expect(client.call('n1', { type: 'echo' })).rejects.toThrow('not JSON')
    await expect(network.start()).rejects.toThrow('not JSON')
  })

  test('is told from a client that calls somebody who is no node', async () => {
    const network = await started()
    await expect(network.client('c1').call('n7', { type: 'echo' })).rejects.toThrow(
      'c1 calls n7, which is no node (seed 1)',
    )
  })

  test('is told what happened last', async () => {
    const network = await started()
    const call = network.client('c1').call('n1', { type: 'say_text', text: 'oops' })
    await expect(call).rejects.toThrow(/\n {2}\d+ ms: c1 sent \{"src":"c1".*\n.*\n {2}\d+ ms: n1 said oops/)
  })
})

describe('faults by seed', () => {
  const fates = async (seed: number): Promise<readonly string[]> => {
    const network = await started({ seed, duplicates: 0.3, delays: 0.3, delayMaxMs: 20 })
    const client = network.client('c1')
    const calls = Array.from({ length: 40 }, (_, echo) => client.call('n1', { type: 'echo', echo }))
    await Promise.all(calls)
    await network.close()
    return network.journal.flatMap(({ event, message }) =>
      event === 'duplicated' || event === 'delayed' ? [`${event} ${String(message?.body.echo)}`] : [],
    )
  }

  test('are the same for the same seed and others for another', async () => {
    const [first, again, other] = [await fates(7), await fates(7), await fates(8)]
    expect(first).toEqual(again)
    expect(first).not.toEqual(other)
    for (const event of ['duplicated', 'delayed']) {
      const count = first?.filter((fate) => fate.startsWith(event)).length
      expect(count).toBeGreaterThan(3)
      expect(count).toBeLessThan(25)
    }
  })

  test('deliver a message twice, and the second answer is one that nobody waits for', async () => {
    const network = await started({ duplicates: 1, delayMaxMs: 20 })
    const client = network.client('c1')
    await client.call('n1', { type: 'echo' })
    await vi.waitFor(() => expect(client.received).toHaveLength(2), PATIENCE_MS)
    expect(client.received.map((message) => message.body.in_reply_to)).toEqual([1, 1])
    expect(events(network, 'unasked', 'c1')).toHaveLength(1)
    await network.close()
  })

  test('let a later message overtake one that is delayed', async () => {
    const network = await started({ delays: 0.5, delayMaxMs: 200 })
    const client = network.client('c1')
    await Promise.all(Array.from({ length: 20 }, (_, echo) => client.call('n1', { type: 'echo', echo })))
    const order = client.received.map((message) => Number(message.body.echo))
    expect(order).not.toEqual(order.toSorted((a, b) => a - b))
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index))
    await network.close()
  })

  test('spare the init', async () => {
    const network = await started({ duplicates: 1, delays: 1, delayMaxMs: 5_000 })
    expect(network.client('c0').received).toHaveLength(1)
    await network.close()
  })
})

describe('a node that is killed', () => {
  test('now leaves its calls unanswered, and answers again after a restart with init', async () => {
    const network = await started({ callTimeoutMs: 3_000 })
    const client = network.client('c1')
    await client.call('n1', { type: 'echo' })
    expect(await network.kill('n1')).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await client.call('n1', { type: 'echo' })).toEqual({ kind: 'timeout' })
    expect(events(network, 'lost', 'n1')).toHaveLength(1)
    await network.restart('n1')
    // The count begins anew: it is another process.
    expect(await client.call('n1', { type: 'echo' }, 5_000)).toMatchObject({ body: { answered: 1 } })
    expect(network.client('c0').received).toHaveLength(2)
    await network.close()
  })

  test('is restarted also while it runs', async () => {
    const network = await started()
    await network.restart('n1')
    expect(events(network, 'exited', 'n1')).toHaveLength(1)
    expect(await network.client('c1').call('n1', { type: 'echo' })).toMatchObject({ kind: 'ok' })
    await network.close()
  })

  test('at a line has said that line and no more', async () => {
    const network = await started({ callTimeoutMs: 3_000 })
    const client = network.client('c1')
    // The answer to init was its first line.
    const killed = network.kill('n1', { at: 'line', count: 4 })
    const outcomes = await Promise.all(
      [1, 2, 3, 4, 5].map((echo) => client.call('n1', { type: 'echo', echo })),
    )
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['ok', 'ok', 'ok', 'timeout', 'timeout'])
    expect(await killed).toEqual({ code: null, signal: 'SIGKILL' })
    await network.close()
  })

  test.each([1, 10, 20])(
    'at a byte has written the %i bytes to there, and no line that is cut counts',
    async (more) => {
      const network = await started({ callTimeoutMs: 3_000 })
      const client = network.client('c1')
      const said = Buffer.byteLength(`${events(network, 'said', 'n1')[0]?.text}\n`)
      const killed = network.kill('n1', { at: 'byte', count: said + more })
      expect(await client.call('n1', { type: 'echo' })).toEqual({ kind: 'timeout' })
      expect(await killed).toEqual({ code: null, signal: 'SIGKILL' })
      expect(events(network, 'cut', 'n1').map((entry) => entry.text)).toEqual([
        '{"src":"n1","dest":"c1","body":{"type"'.slice(0, more),
      ])
      await network.close()
    },
  )

  test('at a delivery has got that message and none after it', async () => {
    const network = await started({ callTimeoutMs: 3_000 })
    const client = network.client('c1')
    const killed = network.kill('n1', { at: 'delivery', count: 3 })
    const outcomes = await Promise.all([1, 2, 3].map((echo) => client.call('n1', { type: 'echo', echo })))
    await killed
    expect(outcomes[2]).toEqual({ kind: 'timeout' })
    expect(events(network, 'delivered', 'n1')).toHaveLength(3)
    expect(events(network, 'lost', 'n1')).toHaveLength(1)
    await network.close()
  })

  test('at a point that is over is killed at once', async () => {
    const network = await started()
    expect(await network.kill('n1', { at: 'line', count: 1 })).toEqual({ code: null, signal: 'SIGKILL' })
    await network.close()
  })

  test('while it starts does not fail the start', async () => {
    const network = open()
    network.spawn('n1')
    const killed = network.kill('n1', { at: 'byte', count: 5 })
    await network.start('n1')
    await killed
    await network.restart('n1')
    expect(await network.client('c1').call('n1', { type: 'echo' })).toMatchObject({ kind: 'ok' })
    await network.close()
  })
})

describe('a node that is paused', () => {
  test('answers when it goes on, what came meanwhile included', async () => {
    const network = await started()
    const client = network.client('c1')
    network.pause('n1')
    expect(await client.call('n1', { type: 'echo', echo: 'missed' }, 200)).toEqual({ kind: 'timeout' })
    network.resume('n1')
    expect(await client.call('n1', { type: 'echo', echo: 'seen' })).toMatchObject({ body: { echo: 'seen' } })
    expect(client.received.map((message) => message.body.echo)).toEqual(['missed', 'seen'])
    await network.close()
  })

  test('can still be killed', async () => {
    const network = await started()
    network.pause('n1')
    expect(await network.kill('n1')).toEqual({ code: null, signal: 'SIGKILL' })
    await network.close()
  })
})

describe('the input of a node', () => {
  test('may be closed at once: the node answers what it had got, and ends', async () => {
    const network = await started()
    const client = network.client('c1')
    const calls = [1, 2, 3].map((echo) => client.call('n1', { type: 'echo', echo }))
    expect(await network.closeInput('n1')).toEqual({ code: 0, signal: null })
    expect((await Promise.all(calls)).map((outcome) => outcome.kind)).toEqual(['ok', 'ok', 'ok'])
    await network.close()
  })

  test('may be closed before the node has got anything', async () => {
    const network = open()
    network.spawn('n1')
    expect(await network.closeInput('n1')).toEqual({ code: 0, signal: null })
    await network.close()
  })

  test('may be anything, past the network', async () => {
    const network = await started()
    network.write('n1', 'garbage\n')
    await expect(network.client('c1').call('n1', { type: 'silent' })).rejects.toThrow(
      /n1 crashed .*SyntaxError/s,
    )
  })
})

describe('the end', () => {
  const pidOf = async (network: Network): Promise<number> => {
    const text = await network.client('c1').call('n1', { type: 'pid' })
    return text.kind === 'ok' ? Number(text.body.pid) : Number.NaN
  }

  test('leaves no process of the network, and touches no other', async () => {
    const other = spawn(process.execPath, [echoNode[1]], { stdio: ['pipe', 'ignore', 'ignore'] })
    const network = await started({ nodes: { n1: echoNode, n2: echoNode } })
    const pid = await pidOf(network)
    expect(isAlive(pid)).toBe(true)
    network.pause('n2')
    await network.close()
    expect(events(network, 'exited', 'n1')).toMatchObject([{ text: 'SIGKILL' }])
    expect(events(network, 'exited', 'n2')).toMatchObject([{ text: 'SIGKILL' }])
    expect(isAlive(pid)).toBe(false)
    expect(other.exitCode ?? other.signalCode).toBeNull()
    other.kill()
  })

  test('comes by itself when the time of the network is over', async () => {
    const network = await started({ seed: 5, lifetimeMs: 8_000, callTimeoutMs: 20_000 })
    const pid = await pidOf(network)
    await expect(network.client('c1').call('n1', { type: 'silent' })).rejects.toThrow(
      'not over after 8000 ms (seed 5)',
    )
    await expect(network.close()).rejects.toThrow('not over')
    expect(isAlive(pid)).toBe(false)
  })

  test('ends calls that still wait', async () => {
    const network = await started()
    const call = network.client('c1').call('n1', { type: 'silent' })
    await network.close()
    expect(await call).toEqual({ kind: 'timeout' })
  })

  test('may come twice', async () => {
    const network = await started()
    await network.close()
    await network.close()
  })

  test('may come before anything was started', async () => {
    await open().close()
  })
})

describe('a link', () => {
  const message = (type: string): Message => ({ src: 'c1', dest: 'n1', body: { type } })

  test('delivers in the order of the time of delivery, and equal ones as they were sent', async () => {
    const delivered: string[] = []
    const link = createLink((one) => delivered.push(one.body.type))
    const nowMs = performance.now()
    for (const [type, laterMs] of [
      ['d', 60],
      ['b', 30],
      ['c', 30],
      ['a', 0],
      ['e', 60],
    ] as const) {
      link.put(message(type), nowMs + laterMs)
    }
    expect(delivered).toEqual(['a'])
    await vi.waitFor(() => expect(delivered).toEqual(['a', 'b', 'c', 'd', 'e']), PATIENCE_MS)
  })

  test('never delivers before the time', async () => {
    const dueMs = performance.now() + 40
    const deliveredMs = await new Promise<number>((resolve) => {
      createLink(() => resolve(performance.now())).put(message('a'), dueMs)
    })
    expect(deliveredMs).toBeGreaterThanOrEqual(dueMs)
  })

  test('delivers nothing once it is closed', async () => {
    const deliver = vi.fn()
    const link = createLink(deliver)
    link.put(message('a'), performance.now() + 20)
    link.close()
    await sleep(60)
    expect(deliver).not.toHaveBeenCalled()
  })
})

describe('random numbers', () => {
  const draw = (seed: number, name: string): readonly number[] => {
    const random = randomOf(seed, name)
    return Array.from({ length: 1_000 }, random)
  }

  test('are the same for the same seed and name only', () => {
    expect(draw(1, 'a')).toEqual(draw(1, 'a'))
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'))
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'))
  })

  test.each([0, 1, 2, 42, 2 ** 31, 2 ** 32 - 1])('are spread over 0 to 1 with the seed %i', (seed) => {
    const numbers = draw(seed, '["c1","n1"]')
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const count = numbers.filter((one) => Math.floor(one * 10) === tenth).length
      expect(count).toBeGreaterThan(50)
      expect(count).toBeLessThan(150)
    }
  })
})

describe('a line of a node', () => {
  test('is the message that it says', () => {
    const line = '{"body": {"type": "x", "in_reply_to": 1}, "dest": "c1", "src": "n1"}'
    expect(readMessage(line, 'n1', (id) => id === 'c1')).toEqual({
      src: 'n1',
      dest: 'c1',
      body: { type: 'x', in_reply_to: 1 },
    })
  })
})
