import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Request, RequestBody } from '../../src/node/envelope.ts'
import { CAPACITY, createInbox, WAITING_MAX } from '../../src/node/inbox.ts'
import type { Reply } from '../../src/node/reply.ts'

const request = (msgId: number, more: Readonly<Record<string, unknown>> = {}, src = 'c1'): Request => ({
  kind: 'request',
  src,
  dest: 'n1',
  isBare: src === '',
  msgId,
  body: { type: 'x', msg_id: msgId, ...more },
})

const withBody = (body: RequestBody): Request => ({ ...request(1), body })

const replied = (line: string, code?: number): Reply => ({ line, code })

/** An execution that ends when the test says so, and that counts how often it began. */
const held = () => {
  let release!: (reply: Reply) => void
  let fail!: (error: Error) => void
  const promise = new Promise<Reply>((resolve, reject) => {
    release = resolve
    fail = reject
  })
  return { execute: vi.fn(() => promise), release, fail }
}

/** Executions whose lines are numbered, so that a second one can be told from a stored reply. */
const counting = (code?: number) => {
  let count = 0
  return vi.fn(async (): Promise<Reply> => {
    count += 1
    return replied(`execution ${count}`, code)
  })
}

describe('a request that was answered before', () => {
  test('gets the same bytes again and executes nothing', async () => {
    const inbox = createInbox()
    const execute = counting()
    const first = await inbox.take(request(1), execute)
    expect(await inbox.take(request(1), execute)).toBe(first)
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('gets the bytes of then, although it would be answered otherwise by now', async () => {
    const inbox = createInbox()
    await inbox.take(request(1), async () => replied('{"type": "x"}'))
    const again = await inbox.take(request(1), async () => replied('{"src": "n1", "body": {"type": "x"}}'))
    expect(again.line).toBe('{"type": "x"}')
  })

  test.each<[string, Request]>([
    ['another msg_id', request(2)],
    ['another source', request(1, {}, 'c2')],
    ['no envelope', request(1, {}, '')],
    ['another body', request(1, { table: 'users' })],
  ])('is not one with %s', async (_what, other) => {
    const inbox = createInbox()
    const execute = counting()
    await inbox.take(request(1), execute)
    expect((await inbox.take(other, execute)).line).toBe('execution 2')
  })

  test('is still that one after another body came under its msg_id', async () => {
    const inbox = createInbox()
    const execute = counting()
    await inbox.take(request(1), execute)
    await inbox.take(request(1, { table: 'users' }), execute)
    expect((await inbox.take(request(1), execute)).line).toBe('execution 1')
    expect((await inbox.take(request(1, { table: 'users' }), execute)).line).toBe('execution 2')
  })

  test.each<[string, RequestBody, RequestBody]>([
    ['order of its keys', { type: 'x', a: 1, b: 2 }, { b: 2, a: 1, type: 'x' }],
    ['order of keys further inside', { type: 'x', a: [{ b: 1, c: 2 }] }, { type: 'x', a: [{ c: 2, b: 1 }] }],
  ])('may have another %s', async (_what, one, other) => {
    const inbox = createInbox()
    const execute = counting()
    await inbox.take(withBody(one), execute)
    await inbox.take(withBody(other), execute)
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test.each<[string, RequestBody, RequestBody]>([
    ['order of items', { type: 'x', a: [1, 2] }, { type: 'x', a: [2, 1] }],
    ['kind of value', { type: 'x', a: 1 }, { type: 'x', a: '1' }],
    ['depth', { type: 'x', a: [1, [2]] }, { type: 'x', a: [[1], 2] }],
    ['set of keys', { type: 'x', a: null }, { type: 'x' }],
    ['border between a key and a value', { type: 'x', a: 'b": "c' }, { type: 'x', 'a": "b': 'c' }],
  ])('may not have another %s', async (_what, one, other) => {
    const inbox = createInbox()
    const execute = counting()
    await inbox.take(withBody(one), execute)
    await inbox.take(withBody(other), execute)
    expect(execute).toHaveBeenCalledTimes(2)
  })

  test('is not mixed up with one whose source looks like a part of the key', async () => {
    const inbox = createInbox()
    const execute = counting()
    await inbox.take({ ...request(1), src: 'c","1' }, execute)
    await inbox.take({ ...request(1), src: 'c' }, execute)
    expect(execute).toHaveBeenCalledTimes(2)
  })

  test.each([undefined, 10, 12, 14, 20, 21, 22, 1_000])('is kept when its code is %s', async (code) => {
    const inbox = createInbox()
    const execute = counting(code)
    await inbox.take(request(1), execute)
    await inbox.take(request(1), execute)
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test.each([0, 11, 13, 30])(
    'is executed again when its code is %s: a retry must be able to succeed',
    async (code) => {
      const inbox = createInbox()
      const execute = vi.fn(async () =>
        execute.mock.calls.length === 1 ? replied('failed', code) : replied('succeeded'),
      )
      expect((await inbox.take(request(1), execute)).line).toBe('failed')
      expect((await inbox.take(request(1), execute)).line).toBe('succeeded')
      expect((await inbox.take(request(1), execute)).line).toBe('succeeded')
      expect(execute).toHaveBeenCalledTimes(2)
    },
  )

  test('is executed again when its execution threw', async () => {
    const inbox = createInbox()
    await expect(inbox.take(request(1), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect((await inbox.take(request(1), counting())).line).toBe('execution 1')
  })

  test('is forgotten when as many others were used since as are kept', async () => {
    const inbox = createInbox({ capacity: 3 })
    const execute = counting()
    for (const msgId of [1, 2, 3]) await inbox.take(request(msgId), execute)
    // This one is used, and so 2 is now the one that was not for the longest time.
    await inbox.take(request(1), execute)
    await inbox.take(request(4), execute)
    expect(execute).toHaveBeenCalledTimes(4)
    for (const msgId of [1, 3, 4]) await inbox.take(request(msgId), execute)
    expect(execute).toHaveBeenCalledTimes(4)
    expect((await inbox.take(request(2), execute)).line).toBe('execution 5')
  })

  test('is one of the last 1,000 when nothing else is said', async () => {
    expect(CAPACITY).toBe(1_000)
    const inbox = createInbox()
    const execute = counting()
    for (let msgId = 0; msgId <= CAPACITY; msgId += 1) await inbox.take(request(msgId), execute)
    await inbox.take(request(1), execute)
    expect(execute).toHaveBeenCalledTimes(CAPACITY + 1)
    await inbox.take(request(0), execute)
    expect(execute).toHaveBeenCalledTimes(CAPACITY + 2)
  })
})

describe('a duplicate that arrives while its original runs', () => {
  test.each([undefined, 0, 11, 13, 22, 30])('waits and gets the same reply, with code %s', async (code) => {
    const inbox = createInbox()
    const { execute, release } = held()
    const replies = [
      inbox.take(request(1), execute),
      inbox.take(request(1), execute),
      inbox.take(request(1), execute),
    ]
    await turnOfTheLoop()
    release(replied('one', code))
    const [first, ...others] = await Promise.all(replies)
    expect(others).toEqual([first, first])
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('waits although the original waits itself', async () => {
    const inbox = createInbox()
    const before = held()
    const { execute, release } = held()
    const replies = [
      inbox.take(request(1), before.execute),
      inbox.take(request(2), execute),
      inbox.take(request(2), execute),
    ]
    before.release(replied('before'))
    release(replied('one', 11))
    expect((await Promise.all(replies)).map((reply) => reply.line)).toEqual(['before', 'one', 'one'])
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('is answered after what its source asked in between', async () => {
    const inbox = createInbox()
    const first = held()
    const between = held()
    const answered: string[] = []
    const note = (reply: Reply): number => answered.push(reply.line)
    const replies = [
      inbox.take(request(1), first.execute).then(note),
      inbox.take(request(2), between.execute).then(note),
      inbox.take(request(1), first.execute).then(note),
    ]
    first.release(replied('first', 13))
    await turnOfTheLoop()
    expect(answered).toEqual(['first'])
    between.release(replied('between'))
    await Promise.all(replies)
    expect(answered).toEqual(['first', 'between', 'first'])
  })

  test('fails as the original does', async () => {
    const inbox = createInbox()
    const { execute, fail } = held()
    const replies = [inbox.take(request(1), execute), inbox.take(request(1), execute)]
    fail(new Error('no'))
    const outcomes = await Promise.allSettled(replies)
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected'])
    expect(execute).toHaveBeenCalledTimes(1)
  })

  test('is a request of its own when it comes from another source', async () => {
    const inbox = createInbox()
    const { execute, release } = held()
    const other = counting()
    const first = inbox.take(request(1), execute)
    expect((await inbox.take(request(1, {}, 'c2'), other)).line).toBe('execution 1')
    release(replied('one'))
    await first
  })
})

describe('the order', () => {
  test('of one source is kept: the next one begins when the one before is answered', async () => {
    const inbox = createInbox()
    const first = held()
    const second = counting()
    const replies = [inbox.take(request(1), first.execute), inbox.take(request(2), second)]
    await turnOfTheLoop()
    expect(first.execute).toHaveBeenCalledTimes(1)
    expect(second).not.toHaveBeenCalled()
    first.release(replied('one'))
    await Promise.all(replies)
    expect(second).toHaveBeenCalledTimes(1)
  })

  test('of one source is kept for one that comes when an earlier one is answered and another runs', async () => {
    const inbox = createInbox()
    const holds = [held(), held()]
    const third = counting()
    const [first, second] = holds.map(({ execute }, index) => inbox.take(request(index), execute))
    holds[0]?.release(replied('first'))
    await first
    await turnOfTheLoop()
    const last = inbox.take(request(3), third)
    await turnOfTheLoop()
    expect(third).not.toHaveBeenCalled()
    holds[1]?.release(replied('second'))
    expect([(await second)?.line, (await last).line]).toEqual(['second', 'execution 1'])
  })

  test('of different sources is free: a heartbeat is answered while a backfill runs', async () => {
    const inbox = createInbox()
    const { execute, release } = held()
    const backfill = inbox.take(request(1), execute)
    expect((await inbox.take(request(1, {}, 'app-1'), counting())).line).toBe('execution 1')
    release(replied('backfill'))
    expect((await backfill).line).toBe('backfill')
  })

  test('goes on after an execution that threw', async () => {
    const inbox = createInbox()
    const failed = inbox.take(request(1), () => Promise.reject(new Error('no')))
    const next = inbox.take(request(2), counting())
    await expect(failed).rejects.toThrow('no')
    expect((await next).line).toBe('execution 1')
  })

  test('goes on after an execution that threw before it was a promise', async () => {
    const inbox = createInbox()
    const failed = inbox.take(request(1), () => {
      throw new Error('at once')
    })
    await expect(failed).rejects.toThrow('at once')
    await inbox.idle()
  })

  test('includes what is no request, such as a refusal, and does not keep it', async () => {
    const inbox = createInbox()
    const { execute, release } = held()
    const answered: string[] = []
    const refusal = vi.fn(async () => replied('refused', 12))
    const all = [
      inbox.take(request(1), execute).then((reply) => answered.push(reply.line)),
      inbox.inTurn('c1', refusal).then((reply) => answered.push(reply.line)),
    ]
    await inbox.inTurn('c2', refusal)
    expect(answered).toEqual([])
    release(replied('one'))
    await Promise.all(all)
    expect(answered).toEqual(['one', 'refused'])
    await inbox.inTurn('c1', refusal)
    expect(refusal).toHaveBeenCalledTimes(3)
  })

  test('of ten thousand requests at once is kept', async () => {
    const inbox = createInbox()
    const answered: number[] = []
    const all = Array.from({ length: 10_000 }, (_, index) =>
      inbox
        .take(request(index), async () => replied(`${index}`))
        .then((reply) => answered.push(Number(reply.line))),
    )
    await Promise.all(all)
    expect(answered).toEqual(Array.from({ length: 10_000 }, (_, index) => index))
  })

  test('of one source is kept among any others, with repeats, however long each takes', async () => {
    const asked = fc.record({
      src: fc.constantFrom('', 'c1', 'c2'),
      msgId: fc.integer({ min: 1, max: 4 }),
      turns: fc.nat({ max: 3 }),
      pauseTurns: fc.nat({ max: 2 }),
      code: fc.constantFrom(undefined, 11, 22),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { maxLength: 20 }), async (all) => {
        const inbox = createInbox({ capacity: 5 })
        const answers: { readonly src: string; readonly index: number }[] = []
        const running = new Map<string, number>()
        const askFor = async (
          { src, msgId, turns, code }: (typeof all)[number],
          index: number,
        ): Promise<void> => {
          const reply = await inbox.take(request(msgId, {}, src), async () => {
            running.set(src, (running.get(src) ?? 0) + 1)
            expect(running.get(src)).toBe(1)
            for (let turn = 0; turn < turns; turn += 1) await turnOfTheLoop()
            running.set(src, 0)
            return replied(`${src} ${msgId}`, code)
          })
          expect(reply.line).toBe(`${src} ${msgId}`)
          answers.push({ src, index })
        }
        const work: Promise<void>[] = []
        for (const [index, one] of all.entries()) {
          work.push(askFor(one, index))
          // Some come together, others after earlier ones were answered.
          for (let turn = 0; turn < one.pauseTurns; turn += 1) await turnOfTheLoop()
        }
        await Promise.all(work)
        for (const src of ['', 'c1', 'c2']) {
          const order = answers.filter((one) => one.src === src).map((one) => one.index)
          expect(order).toEqual(order.toSorted((a, b) => a - b))
        }
        expect(answers).toHaveLength(all.length)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the bound of what waits', () => {
  test('closes the room until one is answered, and drops nothing that was taken', async () => {
    const inbox = createInbox({ waitingMax: 2 })
    const first = held()
    const second = held()
    await inbox.room()
    const one = inbox.take(request(1), first.execute)
    await inbox.room()
    const two = inbox.take(request(2), second.execute)
    let hasRoom = false
    const waitForRoom = async (): Promise<void> => {
      await inbox.room()
      hasRoom = true
    }
    const room = waitForRoom()
    await turnOfTheLoop()
    expect(hasRoom).toBe(false)
    first.release(replied('one'))
    await room
    second.release(replied('two'))
    expect([(await one).line, (await two).line]).toEqual(['one', 'two'])
  })

  test('lets all go on that wait for room', async () => {
    const inbox = createInbox({ waitingMax: 1 })
    const { execute, release } = held()
    const one = inbox.take(request(1), execute)
    const rooms = [inbox.room(), inbox.room(), inbox.idle()]
    release(replied('one'))
    await Promise.all([one, ...rooms])
  })

  test('is wide enough for ten thousand lines at once when nothing else is said', () => {
    expect(WAITING_MAX).toBe(10_000)
  })

  test('keeps no source that has nothing open', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const inbox = createInbox({ capacity: 1 })
    const reply = replied('one', 11)
    const bytesAfter = async (sources: number): Promise<number> => {
      for (let count = 0; count < sources; count += 1) {
        await inbox.take(request(1, {}, `c${sources}-${count}`), async () => reply)
      }
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    const before = await bytesAfter(1_000)
    // Each source that was kept would hold its name and a promise: 100 bytes and more.
    expect((await bytesAfter(50_000)) - before).toBeLessThan(50_000 * 20)
  })
})

describe('the end of the input', () => {
  test('waits for all that was taken, of every source', async () => {
    const inbox = createInbox()
    const holds = [held(), held(), held()]
    const taken = holds.map(({ execute }, index) => inbox.take(request(index, {}, `c${index}`), execute))
    let isIdle = false
    const waitForAll = async (): Promise<void> => {
      await inbox.idle()
      isIdle = true
    }
    const idle = waitForAll()
    for (const { release } of holds) {
      await turnOfTheLoop()
      expect(isIdle).toBe(false)
      release(replied('done'))
    }
    await idle
    await Promise.all(taken)
  })

  test('has nothing to wait for when nothing was taken', async () => {
    await createInbox().idle()
  })
})
