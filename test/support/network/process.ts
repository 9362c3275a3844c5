import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

export type Command = readonly [program: string, ...args: readonly string[]]

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Counted since the process was started: its n-th delivery, its n-th line, or its n-th byte of output. */
export interface KillPoint {
  readonly at: 'delivery' | 'line' | 'byte'
  readonly count: number
}

export interface Hearing {
  line(text: string): void
  /** What it had written of a line when it ended, which only a kill excuses. */
  cut(text: string, isKilled: boolean): void
  /** @param isExpected that it ended was asked for */
  ended(ending: Ending, isExpected: boolean): void
  failedToStart(error: Error): void
}

export interface NodeProcess {
  readonly ending: Promise<Ending>
  isRunning(): boolean
  deliver(line: string): void
  write(text: string): void
  endInput(): Promise<Ending>
  kill(): Promise<Ending>
  killAt(point: KillPoint): Promise<Ending>
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  stderr(): string
}

const STDERR_CHARACTERS = 65_536
/** A process that ended may have left its stdout to a child of its own. */
const LAST_OUTPUT_MS = 2_000
const NEWLINE = 0x0a

interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly counted: Record<KillPoint['at'], number>
  point: KillPoint | undefined
  /** Output that is no whole line yet. */
  begun: Buffer
  stderr: string
  isRunning: boolean
  isExpectedToEnd: boolean
  isKilled: boolean
}

export function spawnNode([program, ...args]: Command, options: SpawnOptions, hearing: Hearing): NodeProcess {
  const child = spawn(program, args, { ...options, stdio: 'pipe' })
  const running: Running = {
    child,
    counted: { delivery: 0, line: 0, byte: 0 },
    point: undefined,
    begun: Buffer.alloc(0),
    stderr: '',
    isRunning: true,
    isExpectedToEnd: false,
    isKilled: false,
  }
  const ending = endingOf(running, hearing)
  child.stdout.on('data', (chunk: Buffer) => hear(running, chunk, hearing))
  child.stderr.on('data', (chunk: Buffer) => {
    running.stderr = (running.stderr + chunk.toString()).slice(-STDERR_CHARACTERS)
  })
  // Writing to a process that was just killed fails; that it is gone is seen by its exit.
  child.stdin.on('error', () => {})
  return {
    ending,
    isRunning: () => running.isRunning && !running.isKilled,
    deliver(line) {
      child.stdin.write(line)
      count(running, 'delivery', 1)
    },
    write: (text) => void child.stdin.write(text),
    endInput() {
      running.isExpectedToEnd = true
      child.stdin.end()
      return ending
    },
    kill() {
      kill(running)
      return ending
    },
    killAt(point) {
      running.point = point
      count(running, point.at, 0)
      return ending
    },
    signal: (signal) => void child.kill(signal),
    stderr: () => running.stderr,
  }
}

async function endingOf(running: Running, hearing: Hearing): Promise<Ending> {
  const { child } = running
  const ending = await new Promise<Ending | Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
  running.isRunning = false
  if (ending instanceof Error) {
    hearing.failedToStart(ending)
    return { code: null, signal: null }
  }
  const isAllRead = child.stdout.readableEnded || child.stdout.destroyed
  if (!isAllRead) await Promise.race([once(child.stdout, 'close'), sleep(LAST_OUTPUT_MS)])
  if (running.begun.length > 0) hearing.cut(running.begun.toString(), running.isKilled)
  hearing.ended(ending, running.isExpectedToEnd)
  return ending
}

/** What comes after the point of a kill counts as never written, although the process may have been faster. */
function hear(running: Running, chunk: Buffer, hearing: Hearing): void {
  for (let from = 0; from < chunk.length && !running.isKilled; ) {
    const newline = chunk.indexOf(NEWLINE, from)
    const lineEnd = newline === -1 ? chunk.length : newline + 1
    const { point, counted } = running
    const end = point?.at === 'byte' ? Math.min(lineEnd, from + point.count - counted.byte) : lineEnd
    running.begun = Buffer.concat([running.begun, chunk.subarray(from, end)])
    if (running.begun.at(-1) === NEWLINE) {
      const line = running.begun.toString().slice(0, -1)
      running.begun = Buffer.alloc(0)
      hearing.line(line)
      count(running, 'line', 1)
    }
    count(running, 'byte', end - from)
    from = end
  }
}

function count(running: Running, what: KillPoint['at'], by: number): void {
  running.counted[what] += by
  const { point, counted } = running
  if (point !== undefined && counted[point.at] >= point.count) kill(running)
}

/** By its handle, so that it never reaches another process that got the same pid. */
function kill(running: Running): void {
  running.isExpectedToEnd = true
  running.isKilled = true
  running.child.kill('SIGKILL')
}
