import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../core/errors.ts'
import type { Command } from '../../core/rollout/rules.ts'

export interface CommandCall {
  readonly command: Command
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** How a command ended: `problem` when it could not be run, was ended, or said too much; otherwise `code`. */
export interface CommandEnd {
  readonly code?: number
  readonly problem?: string
  readonly out: string
  readonly err: string
}

/** A fleet of thousands fits; what goes on printing does not. */
const OUTPUT_BYTES_MAX = 4 * 2 ** 20
/** How long a command that is over its time may take to end by itself. */
const KILL_AFTER_MS = 2_000
/** What a command leaves running may hold its output open: that is not waited for. */
const OUTPUT_AFTER_MS = 200

/** Runs a command of the user in a process group of its own, so that Ctrl-C does not break it in the middle. */
export async function runCommand({ command, env, timeoutMs }: CommandCall): Promise<CommandEnd> {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command
  let child: ChildProcess
  try {
    child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
  } catch (error) {
    return { problem: spawnProblem(file, error), out: '', err: '' }
  }
  const output = collected(child)
  const timeout = new AbortController()
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const late = sleep(timeoutMs, 'late' as const, { signal: timeout.signal })
  late.catch(() => undefined)
  try {
    const first = await Promise.race([ended, late, output.overflow])
    if (first === 'late')
      return { ...(await killed(child, ended, output)), problem: `did not end within ${timeoutMs / 1000} s` }
    if (first === 'overflow') return { ...(await killed(child, ended, output)), problem: 'printed too much' }
    const [code, signal] = first
    await Promise.race([output.closed, sleep(OUTPUT_AFTER_MS)])
    return code === null
      ? { problem: `was ended by ${signal}`, ...output.texts() }
      : { code, ...output.texts() }
  } catch (error) {
    return { problem: spawnProblem(file, error), ...output.texts() }
  } finally {
    timeout.abort()
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}

function spawnProblem(file: string, error: unknown): string {
  return `could not be run: ${file}: ${messageOf(error)}`
}

async function killed(
  child: ChildProcess,
  ended: Promise<unknown>,
  output: Output,
): Promise<{ readonly out: string; readonly err: string }> {
  signalGroup(child, 'SIGTERM')
  const isOver = await Promise.race([ended.then(() => true), sleep(KILL_AFTER_MS, false)])
  if (!isOver) signalGroup(child, 'SIGKILL')
  return output.texts()
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

interface Output {
  readonly overflow: Promise<'overflow'>
  readonly closed: Promise<unknown>
  texts(): { readonly out: string; readonly err: string }
}

function collected(child: ChildProcess): Output {
  const chunks = { out: [] as Buffer[], err: [] as Buffer[] }
  let bytes = 0
  const overflow = new Promise<'overflow'>((resolve) => {
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > OUTPUT_BYTES_MAX) resolve('overflow')
      else into.push(chunk)
    }
    child.stdout?.on('data', collect(chunks.out))
    child.stderr?.on('data', collect(chunks.err))
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  const text = (parts: readonly Buffer[]) => Buffer.concat(parts).toString('utf8')
  return { overflow, closed, texts: () => ({ out: text(chunks.out), err: text(chunks.err) }) }
}
