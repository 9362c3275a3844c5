import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { setTimeout as sleep, setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createOutput } from '../../src/node/output.ts'

const errorOf = (code: string): NodeJS.ErrnoException => Object.assign(new Error(`write ${code}`), { code })

/** A stream that takes a chunk when the test lets it, and notes each write as it comes. */
const slowStream = (highWaterMark: number) => {
  const written: string[] = []
  const waiting: ((error?: Error) => void)[] = []
  const stream = new Writable({
    highWaterMark,
    decodeStrings: false,
    write(chunk, _encoding, callback) {
      written.push(String(chunk))
      waiting.push(callback)
    },
  })
  return {
    stream,
    written,
    /** Takes one chunk, or breaks on it. */
    take: async (error?: Error): Promise<void> => {
      waiting.shift()?.(error)
      await turnOfTheLoop()
    },
  }
}

const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending')
  await turnOfTheLoop()
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

describe('lines', () => {
  test('are written one by one, each with its newline', async () => {
    const chunks: string[] = []
    const stream = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, callback) {
        chunks.push(String(chunk))
        callback()
      },
    })
    const output = createOutput(stream)
    await Promise.all(['{"a": 1}', '{"b": "é"}', ''].map((line) => output.write(line)))
    expect(chunks).toEqual(['{"a": 1}\n', '{"b": "é"}\n', '\n'])
  })

  test('keep the order in which they were given, also when nobody waits', async () => {
    const stream = new PassThrough({ highWaterMark: 64 })
    const output = createOutput(stream)
    const numbers = Array.from({ length: 5_000 }, (_, index) => String(index))
    for (const number of numbers) void output.write(number)
    const ended = output.flush().then(() => stream.end())
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    await ended
    expect(text).toBe(`${numbers.join('\n')}\n`)
  })
})

describe('back-pressure', () => {
  test('holds lines back until the stream says that it drained', async () => {
    const { stream, take } = slowStream(8)
    const output = createOutput(stream)
    const first = output.write('12345678')
    const second = output.write('b')
    expect(await isSettled(first)).toBe(false)
    expect(stream.writableLength).toBe('12345678\n'.length)
    await take()
    expect(await isSettled(first)).toBe(true)
    expect(await isSettled(second)).toBe(true)
    expect(stream.writableLength).toBe('b\n'.length)
  })

  test('never lets the stream hold more than one line beyond its mark', async () => {
    const { stream, take, written } = slowStream(16)
    const output = createOutput(stream)
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`)
    const all = Promise.all(lines.map((line) => output.write(line)))
    while (written.length < lines.length) {
      expect(stream.writableLength).toBeLessThanOrEqual(16 + 'line 00\n'.length)
      await take()
    }
    await take()
    await all
    expect(written).toEqual(lines.map((line) => `${line}\n`))
  })

  test('lets a line through at once while there is room', async () => {
    const { stream } = slowStream(1_000)
    expect(await isSettled(createOutput(stream).write('a'))).toBe(true)
  })
})

describe('flushing', () => {
  test('waits until the last line has left, not only until it was handed over', async () => {
    const { stream, take } = slowStream(1_000)
    const output = createOutput(stream)
    void output.write('a')
    void output.write('b')
    const flushed = output.flush()
    expect(await isSettled(flushed)).toBe(false)
    await take()
    expect(await isSettled(flushed)).toBe(false)
    await take()
    expect(await isSettled(flushed)).toBe(true)
  })

  test('includes lines that wait for room', async () => {
    const { stream, take, written } = slowStream(1)
    const output = createOutput(stream)
    for (const line of ['a', 'b', 'c']) void output.write(line)
    const flushed = output.flush()
    for (let count = 0; count < 3; count += 1) {
      expect(await isSettled(flushed)).toBe(false)
      await take()
    }
    await flushed
    expect(written).toEqual(['a\n', 'b\n', 'c\n'])
  })

  test('ends at once when nothing was written', async () => {
    await createOutput(new PassThrough()).flush()
  })
})

describe('a reader that went away', () => {
  test.each(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'EOF'])(
    'is told by %s and is no failure',
    async (code) => {
      const { stream, take } = slowStream(1_000)
      const output = createOutput(stream)
      expect(output.isOpen()).toBe(true)
      await output.write('a')
      await take(errorOf(code))
      expect(output.isOpen()).toBe(false)
      expect(await output.closed).toEqual({ kind: 'reader_gone' })
    },
  )

  test('lets nobody wait for room, nor for the flush', async () => {
    const { stream, take, written } = slowStream(1)
    const output = createOutput(stream)
    const lines = ['a', 'b', 'c'].map((line) => output.write(line))
    const flushed = output.flush()
    await turnOfTheLoop()
    await take(errorOf('EPIPE'))
    await Promise.all([...lines, flushed])
    expect(written).toEqual(['a\n'])
  })

  test('makes further lines vanish without a word', async () => {
    const { stream, take, written } = slowStream(1_000)
    const output = createOutput(stream)
    await output.write('a')
    await take(errorOf('EPIPE'))
    await output.write('b')
    await output.flush()
    expect(written).toEqual(['a\n'])
  })

  test('is noticed when the stream is closed under us', async () => {
    const stream = new PassThrough()
    const output = createOutput(stream)
    stream.destroy()
    expect(await output.closed).toEqual({ kind: 'reader_gone' })
    expect(output.isOpen()).toBe(false)
    await output.write('a')
    await output.flush()
  })
})

describe('an output that fails', () => {
  test('says why, and is closed', async () => {
    const { stream, take } = slowStream(1_000)
    const output = createOutput(stream)
    await output.write('a')
    const error = errorOf('ENOSPC')
    await take(error)
    expect(await output.closed).toEqual({ kind: 'failed', error })
    expect(output.isOpen()).toBe(false)
  })
})

const repository = fileURLToPath(new URL('../../', import.meta.url))
const outputFile = fileURLToPath(new URL('../../src/node/output.ts', import.meta.url))

/** A process whose stdout is written by the output alone; it says on stderr how that went. */
const spawnWriter = (lines: number, patienceMs: number): ChildProcess => {
  const program = `
    import { createJiti } from 'jiti'
    const { createOutput } = await createJiti(${JSON.stringify(repository)}, { fsCache: false }).import(${JSON.stringify(outputFile)})
    const output = createOutput(process.stdout)
    let written = 0
    for (; written < ${lines} && output.isOpen(); written += 1) {
      await output.write(String(written).padStart(1_000, '.'))
      if (${patienceMs} > 0) await new Promise((resolve) => setTimeout(resolve, ${patienceMs}))
    }
    await output.flush()
    console.error(output.isOpen() ? 'open' : (await output.closed).kind)
  `
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

const textOf = async (stream: AsyncIterable<unknown>): Promise<string> => {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

describe('a real process', { timeout: 30_000 }, () => {
  test('gives 2 MB to a slow reader in full and then ends by itself', async () => {
    const child = spawnWriter(2_000, 0)
    const ended = once(child, 'exit')
    const errors = textOf(child.stderr!)
    child.stdout!.pause()
    await sleep(500)
    const text = await textOf(child.stdout!)
    const lines = text.split('\n')
    expect(lines.pop()).toBe('')
    expect(lines).toEqual(Array.from({ length: 2_000 }, (_, index) => String(index).padStart(1_000, '.')))
    expect(await ended).toEqual([0, null])
    expect(await errors).toBe('open\n')
  })

  test('ends quietly when its reader goes away', async () => {
    const child = spawnWriter(10_000, 1)
    const ended = once(child, 'exit')
    const errors = textOf(child.stderr!)
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    expect(await ended).toEqual([0, null])
    expect(await errors).toBe('reader_gone\n')
  })

  test('ends quietly when its reader goes away while it waits for room', async () => {
    const child = spawnWriter(10_000, 0)
    const ended = once(child, 'exit')
    const errors = textOf(child.stderr!)
    await sleep(1_000)
    child.stdout!.destroy()
    expect(await ended).toEqual([0, null])
    expect(await errors).toBe('reader_gone\n')
  })
})
