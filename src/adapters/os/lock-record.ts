import { readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from './error-parts.ts'
import { isRunning, markProcess, type ProcessMark } from './process-mark.ts'

/** Says which process uses a folder. It is dead as soon as neither the owner nor its watchdog runs. */
export interface LockRecord {
  readonly id: string
  readonly owner: ProcessMark
  readonly watchdog: ProcessMark
  readonly url: string
  /** Where these pids mean something: containers may share a folder but not their processes. */
  readonly processSpace: string
}

const CLAIM_ATTEMPTS = 20
const READ_ATTEMPTS = 50
const READ_PAUSE_MS = 20
const NOBODY: ProcessMark = { pid: 0, started: 'never' }
const UNREADABLE: LockRecord = {
  id: 'unreadable',
  owner: NOBODY,
  watchdog: NOBODY,
  url: '',
  processSpace: '',
}

export function lockRecord(id: string, watchdog = NOBODY, url = ''): LockRecord {
  return { id, owner: markProcess(process.pid), watchdog, url, processSpace: processSpace() }
}

export function isDead(record: LockRecord): boolean {
  return !isRunning(record.owner) && !isRunning(record.watchdog)
}

/**
 * Puts the record into a file that only one process can have; a dead record there is replaced.
 * Removing it needs a second lock, named after the dead record: otherwise two that saw the same dead record could
 * remove one after the other, the second one taking away what the first had just written.
 * @returns the living holder that is in the way, or undefined when the file is ours
 */
export async function claim(file: string, record: LockRecord): Promise<LockRecord | undefined> {
  let holder: LockRecord | undefined
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt += 1) {
    if (writeRecord(file, record)) return undefined
    holder = await readRecord(file)
    if (holder === undefined) continue
    if (!isDead(holder)) return holder
    const guard = `${file}.${holder.id}`
    const rival = await claim(guard, record)
    if (rival) return rival
    const current = await readRecord(file)
    if (current?.id === holder.id) rmSync(file, { force: true })
    rmSync(guard, { force: true })
  }
  return holder ?? UNREADABLE
}

/** The record in the file, or undefined when there is no file. */
export async function readRecord(file: string): Promise<LockRecord | undefined> {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    try {
      if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined
      const record: LockRecord = JSON.parse(readFileSync(file, 'utf8'))
      return record
    } catch {
      // Its writer made it just now and has not written yet, or died in between.
      await sleep(READ_PAUSE_MS)
    }
  }
  return UNREADABLE
}

export function processSpace(): string {
  return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : ''
}

/** @returns false when there is a file already */
export function writeRecord(file: string, record: LockRecord): boolean {
  try {
    writeFileSync(file, JSON.stringify(record), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
