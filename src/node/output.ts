import type { Writable } from 'node:stream'

/** Why nothing can be written any more. */
export type Closing =
  /** The reader went away, which ends the node quietly. */
  { readonly kind: 'reader_gone' } | { readonly kind: 'failed'; readonly error: Error }

export interface Output {
  /** Hands the line over in one write, after the lines before it; ends when there is room for the next one. */
  write(line: string): Promise<void>
  /** Ends once all that was written has left this process, or cannot any more. */
  flush(): Promise<void>
  /** What the main loop looks at before it reads on. */
  isOpen(): boolean
  /** Ends when the output closes, which it may never do. */
  readonly closed: Promise<Closing>
}

const READER_GONE: readonly (string | undefined)[] = ['EPIPE', 'ECONNRESET', 'EOF', 'ERR_STREAM_DESTROYED']

/** The stream is never ended, as stdout cannot be: flush it, and let the process run out of work. */
export function createOutput(stream: Writable): Output {
  let isOpen = true
  let settle: (closing: Closing) => void
  let proceed: () => void = () => {}
  let tail = Promise.resolve()
  let flushed = Promise.resolve()
  const closed = new Promise<Closing>((resolve) => {
    settle = resolve
  })

  function close(closing: Closing): void {
    isOpen = false
    settle(closing)
    // Who waits for room would wait for ever.
    proceed()
  }

  /** Only one line waits for room at a time; the others wait for that line. */
  function put(line: string): Promise<void> | undefined {
    if (!isOpen) return undefined
    const room = new Promise<void>((resolve) => {
      proceed = resolve
    })
    let hasRoom = true
    flushed = new Promise((resolve) => {
      hasRoom = stream.write(`${line}\n`, () => resolve())
    })
    return hasRoom ? undefined : room
  }

  stream.on('drain', () => proceed())
  stream.on('close', () => close({ kind: 'reader_gone' }))
  stream.on('error', (error: NodeJS.ErrnoException) =>
    close(READER_GONE.includes(error.code) ? { kind: 'reader_gone' } : { kind: 'failed', error }),
  )
  return {
    write(line) {
      tail = tail.then(() => put(line))
      return tail
    },
    async flush() {
      await tail
      await Promise.race([flushed, closed])
    },
    isOpen: () => isOpen,
    closed,
  }
}
