import type { ChildProcess } from 'node:child_process'

/** A program that the watchdog runs for its parent. */
export interface Order {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly identity: { readonly uid?: number; readonly gid?: number }
  readonly log: string
  /** What the program reads on its standard input. */
  readonly input?: string
  /** A server is asked to stop; a tool such as initdb is killed together with its own children. */
  readonly kind: 'server' | 'tool'
}

/** A path to remove at the end besides the private folder, after the program stopped. */
export interface Debris {
  readonly kind: 'debris'
  readonly path: string
}

export type Report =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'ended'; readonly outcome: string }

/**
 * The text of the program for `node -e`. It is taken from the functions below, because a file of its own would have to
 * be found both as .ts (under vitest, where Node.js cannot run it) and as .js. So they use nothing from outside
 * themselves but each other and globals.
 */
export function watchdogProgram(privateFolder: string): string {
  const functions = [sendReport, startProgram, stopProgram, removeAll, watch].map(String).join('\n')
  return `${functions}\n${watch.name}(${JSON.stringify(privateFolder)})`
}

/**
 * Lives as long as the channel to the parent is open, and in that time runs what the parent orders. The channel closes
 * however the parent ends, even by kill -9; then the last program is stopped and everything temporary removed.
 */
function watch(privateFolder: string): void {
  const debris = [privateFolder]
  let order: Order | undefined
  let child: ChildProcess | undefined
  let ending = false
  const end = (): void => {
    if (ending) return
    ending = true
    stopProgram(order, child, () => {
      removeAll(debris.toReversed())
      process.exit(0)
    })
  }
  process.on('message', (next: Order | Debris) => {
    if (ending) return
    if (next.kind === 'debris') {
      debris.push(next.path)
      return
    }
    order = next
    try {
      child = startProgram(next, sendReport)
    } catch (error) {
      sendReport({ kind: 'ended', outcome: String(error) })
    }
  })
  // A terminal's Ctrl-C and hang-up are meant for the parent: its end is what counts here.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  for (const event of ['disconnect', 'SIGTERM', 'uncaughtException'] as const) process.on(event, end)
}

/** A parent that is gone, or is going, needs no report. */
function sendReport(report: Report): void {
  if (process.connected) process.send?.(report, undefined, undefined, () => {})
}

function startProgram(order: Order, report: (report: Report) => void): ChildProcess {
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { openSync, closeSync, constants } = process.getBuiltinModule('node:fs')
  // Not through a link: the folder may belong to the server's user while we are root.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0)
  const log = openSync(order.log, flags, 0o600)
  const child = spawn(order.file, order.args, {
    ...order.identity,
    cwd: process.cwd(),
    env: order.env,
    detached: true,
    windowsHide: true,
    stdio: ['pipe', log, log],
  })
  closeSync(log)
  child.on('spawn', () => report({ kind: 'started', pid: child.pid ?? 0 }))
  child.on('error', (error) => report({ kind: 'ended', outcome: error.message }))
  child.on('exit', (code, signal) => report({ kind: 'ended', outcome: signal ?? `exit code ${code}` }))
  // A program that ends without reading its input is not an error of ours.
  child.stdin?.on('error', () => {}).end(order.input)
  return child
}

/** The child cannot be mistaken for another process: its pid is not given away before its end was seen here. */
function stopProgram(order: Order | undefined, child: ChildProcess | undefined, done: () => void): void {
  const fastStopMs = 8_000
  const immediateStopMs = 5_000
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) {
    done()
    return
  }
  child.once('exit', done)
  if (order?.kind === 'server' || process.platform === 'win32') child.kill('SIGINT')
  else process.kill(-child.pid, 'SIGKILL')
  setTimeout(() => child.kill('SIGQUIT'), fastStopMs)
  setTimeout(() => child.kill('SIGKILL'), fastStopMs + immediateStopMs)
}

function removeAll(paths: readonly string[]): void {
  const { rmSync } = process.getBuiltinModule('node:fs')
  for (const path of paths) {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
    } catch {
      // What cannot be removed must not keep the rest from being removed.
    }
  }
}
