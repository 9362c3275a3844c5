import { spawn } from 'node:child_process'
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import type { Launch } from '../../core/processes/launch.ts'
import { markProcess, type ProcessMark } from '../os/process-mark.ts'

/** A process that waits for leave to become the program. */
export interface Spawned {
  readonly mark: ProcessMark
  /** How it ended, in words. */
  readonly exited: Promise<string>
  go(): void
  /** It never becomes the program. */
  abandon(): void
}

/**
 * The shell reads one line, and becomes the program. When this process is killed before it has written that line, the shell
 * reads the end of its input instead, and goes. So whoever writes a record in between leaves no program that nobody knows of.
 */
const WAITING = 'read -r leave && exec "$@" </dev/null'

/**
 * Starts a program in a process group of its own, which outlives this process. What it writes goes to the end of a file.
 * @throws when there can be no such process
 */
export async function spawnWaiting({ command, cwd, env }: Launch, log: string): Promise<Spawned> {
  if (!existsSync(cwd)) throw new Error(`the folder "${cwd}" does not exist`)
  const output = openSync(log, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600)
  const child = spawn('/bin/sh', ['-c', WAITING, 'sh', ...command], {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['pipe', output, output],
  })
  closeSync(output)
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', reject)
  })
  const { pid = 0, stdin } = child
  // One that is gone already cannot be told; that it is gone is seen by its exit.
  stdin?.on('error', () => undefined)
  child.unref()
  const abandon = () => void stdin?.destroy()
  try {
    return { mark: markProcess(pid), exited, go: () => void stdin?.end('\n'), abandon }
  } catch (error) {
    // One that could not be named could not be found again.
    abandon()
    throw error
  }
}
