import { messageOf } from '../../core/errors.ts'
import type { InstanceRules, ProcessRole } from '../../core/processes/config.ts'
import { type Checked, UNCHECKED } from '../../core/processes/health.ts'
import { monotonicMs } from '../os/monotonic.ts'
import type { Logs } from './logs.ts'
import type { Ports } from './ports.ts'
import type { ChildRecord, Records } from './records.ts'
import type { Running } from './running.ts'

/** What a child needs of its supervisor. */
export interface Surroundings {
  /** As the config says now; absent when it says nothing of this role any more. */
  readonly role: ProcessRole | undefined
  readonly rules: InstanceRules
  readonly records: Records
  readonly logs: Logs
  readonly ports: Ports
  /** Who gets requests has to be thought over. */
  changed(): void
  /** Ends its upgraded connections. */
  cut(): void
  /** For people. */
  say(text: string): void
}

/** All that changes in the life of a child. What happens to it happens in turn, one thing at a time. */
export interface Being {
  readonly around: Surroundings
  readonly inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>
  readonly timers: Set<NodeJS.Timeout>
  record: ChildRecord
  /** Absent while it has no process. */
  running: Running | undefined
  stopChecking: () => void
  checked: Checked
  isWell: boolean
  /** Restarts since it was last well for long. */
  restartsInRow: number
  /** Its time to end is over. */
  isOverdue: boolean
  /** It is to end together with the supervisor, and to come back with the next one. */
  isHalting: boolean
}

export function createBeing(record: ChildRecord, around: Surroundings): Being {
  return {
    around,
    inTurn: turns(),
    timers: new Set(),
    record,
    running: undefined,
    stopChecking: () => undefined,
    checked: UNCHECKED,
    isWell: record.resumes !== true,
    restartsInRow: 0,
    isOverdue: false,
    isHalting: false,
  }
}

type Change = Partial<ChildRecord>

/** For what is decided: it is written down before it is so. */
export async function commit(being: Being, change: Change): Promise<void> {
  const next = changed(being.record, change)
  await being.around.records.write(next)
  being.record = next
  being.around.changed()
}

/** For what has happened: it is so, whether it can be written down or not. */
export async function accept(being: Being, change: Change): Promise<void> {
  being.record = changed(being.record, change)
  being.around.changed()
  try {
    await being.around.records.write(being.record)
  } catch (error) {
    being.around.say(`the record of "${being.record.id}" cannot be written: ${messageOf(error)}`)
  }
}

function changed(record: ChildRecord, change: Change): ChildRecord {
  const isNewState = change.state !== undefined && change.state !== record.state
  return { ...record, ...change, ...(isNewState ? { sinceMs: monotonicMs() } : {}) }
}

/** Does something later, in turn, unless the child has ended by then. */
export function later(being: Being, ms: number, work: () => Promise<void>): void {
  const timer = setTimeout(() => {
    being.timers.delete(timer)
    void being.inTurn(work)
  }, ms)
  being.timers.add(timer)
}

export function forgetTimers(being: Being): void {
  for (const timer of being.timers) clearTimeout(timer)
  being.timers.clear()
}

function turns(): Being['inTurn'] {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
}
