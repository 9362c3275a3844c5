import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandOf, isRunning, markProcess, startOf } from '../../os/process-mark.ts'

/** What `postmaster.pid` says. */
export interface Postmaster {
  readonly pid: number
  /** `starting`, `ready`, `stopping` or, before the server wrote it, empty. */
  readonly status: string
}

/** Set on every server of ours and kept in `postmaster.opts`, so that one started by hand is told apart. */
export const CLUSTER_NAME = 'bellows'

/** No system gives a process this number, so PostgreSQL takes a file that names it for a left-over. */
const IMPOSSIBLE_PID = 2_147_483_647
const FAST_STOP_MS = 8_000
const IMMEDIATE_STOP_MS = 7_000
const POLL_MS = 10

export function readPostmaster(pgdata: string): Postmaster | undefined {
  const lines = readText(path.join(pgdata, 'postmaster.pid')).split('\n')
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10))
  return pid > 0 ? { pid, status: lines[7]?.trim() ?? '' } : undefined
}

/** Whether the process is a server on this very folder, and not another program that was given its number. */
export function isPostmasterOf(pid: number, pgdata: string): boolean {
  if (startOf(pid) === undefined) return false
  if (process.platform !== 'linux') return commandOf(pid).includes(pgdata)
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(pgdata)
  } catch {
    return false
  }
}

/**
 * Deals with what a dead owner left behind: stops its server, and makes a stale `postmaster.pid` recognisable.
 * The file is not removed, because PostgreSQL finds by it the shared memory that orphaned backends may still use.
 * @returns the pid of a server that is not ours or would not stop, undefined when the folder is free
 */
export async function retirePostmaster(pgdata: string): Promise<number | undefined> {
  // Windows does not tell whose a pid is. PostgreSQL's own check remains, which refuses too often rather than too seldom.
  if (process.platform === 'win32') return undefined
  const held = readPostmaster(pgdata)
  if (held && isPostmasterOf(held.pid, pgdata)) {
    if (!readText(path.join(pgdata, 'postmaster.opts')).includes(`cluster_name=${CLUSTER_NAME}`))
      return held.pid
    if (!(await stopPostmaster(held.pid, pgdata))) return held.pid
  }
  disownPidFile(path.join(pgdata, 'postmaster.pid'))
  return undefined
}

/** Fast shutdown first; immediate shutdown, which costs the next start a recovery, only when that takes too long. */
async function stopPostmaster(pid: number, pgdata: string): Promise<boolean> {
  // A process that ends has no folder any more before it is gone, and the folder is free only then.
  const server = markProcess(pid)
  for (const [signal, waitMs] of [
    ['SIGINT', FAST_STOP_MS],
    ['SIGQUIT', IMMEDIATE_STOP_MS],
  ] as const) {
    if (isPostmasterOf(pid, pgdata)) signalProcess(pid, signal)
    for (const end = Date.now() + waitMs; Date.now() < end; await sleep(POLL_MS)) {
      if (!isRunning(server)) return true
    }
  }
  return false
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended in the same instant, or is not ours to stop; waiting for it tells which.
  }
}

function disownPidFile(file: string): void {
  if (!existsSync(file)) return
  const lines = readText(file).split('\n').slice(1)
  // Not through a link, as the folder belongs to the server's user and we may be root.
  const opened = openSync(file, constants.O_WRONLY | constants.O_TRUNC | (constants.O_NOFOLLOW ?? 0))
  writeSync(opened, [IMPOSSIBLE_PID, ...lines].join('\n'))
  closeSync(opened)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
