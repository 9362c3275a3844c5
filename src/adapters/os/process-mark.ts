import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { codeOf } from './error-parts.ts'

/** A process, named so that a later one that was given the same pid is not mistaken for it. */
export interface ProcessMark {
  readonly pid: number
  /** Opaque; the same as long as it is the same process. Empty when the process was gone already. */
  readonly started: string
  /**
   * Which start of the machine it was, where `started` counts from that. Apart from it, because another version of Bellows on
   * the same machine compares `started`, and would take whatever runs for dead if it were written otherwise.
   */
  readonly boot?: string
}

export function markProcess(pid: number): ProcessMark {
  const boot = bootOf()
  return { pid, started: startOf(pid) ?? '', ...(boot === '' ? {} : { boot }) }
}

export function isRunning({ pid, started, boot }: ProcessMark): boolean {
  return startOf(pid) === started && (boot === undefined || boot === bootOf())
}

function bootOf(): string {
  return process.platform === 'linux' ? readProc('sys/kernel/random/boot_id').trim() : ''
}

/** When the process started, or undefined when there is none. A zombie is none: it holds nothing any more. */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') return startFromProc(pid)
  if (process.platform === 'win32') return exists(pid) ? 'unknown' : undefined
  const [state, ...start] = readPs(pid, 'stat', 'lstart').trim().split(/\s+/)
  return hasEnded(state || undefined) ? undefined : start.join(' ')
}

/** The command that the process was started with, empty when there is no such process. POSIX, except Linux. */
export function commandOf(pid: number): string {
  return readPs(pid, 'command')
}

/** Ticks since the machine was started. */
function startFromProc(pid: number): string | undefined {
  const fields = statOf(pid)
  return hasEnded(fields[0]) ? undefined : fields[19]
}

/** What Linux says of a process, from its state on; nothing when there is no such process. Source: proc_pid_stat(5), field 3 and on. */
export function statOf(pid: number | string): readonly string[] {
  const stat = readProc(`${pid}/stat`)
  // The program's name comes in parentheses and may hold anything, so the fields are counted from the last one.
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A zombie has, and so has what is not there. */
export function hasEnded(state: string | undefined): boolean {
  return state === undefined || /^[ZX]/.test(state)
}

/** @throws when this process is out of something: then whoever is there cannot be seen, and must not be taken for gone */
function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'latin1')
  } catch (error) {
    if (isShortage(error)) throw error
    return ''
  }
}

/** This process or this machine has run out of files or memory: that says nothing of whom we ask about. */
export function isShortage(error: unknown): boolean {
  return SHORTAGES.includes(codeOf(error) ?? '')
}

const SHORTAGES: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']

/** In one language and time zone for all, as marks are compared that different processes made. */
function readPs(pid: number, ...columns: readonly string[]): string {
  const options = columns.flatMap((column) => ['-o', `${column}=`])
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const ps = spawnSync('ps', ['-ww', '-p', String(pid), ...options], { encoding: 'utf8', env })
  if (isShortage(ps.error)) throw ps.error
  return ps.status === 0 ? ps.stdout : ''
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
