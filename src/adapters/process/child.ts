import { messageOf } from '../../core/errors.ts'
import { healthAt } from '../../core/processes/health.ts'
import type { FleetInstance } from '../../core/rollout/fleet.ts'
import { monotonicMs } from '../os/monotonic.ts'
import { isMarkedGroupThere } from '../os/process-group.ts'
import { isRunning, type ProcessMark } from '../os/process-mark.ts'
import { accept, type Being, commit, createBeing, forgetTimers, type Surroundings } from './being.ts'
import { attend, comesBack, end, launch, onEnded, startAgain } from './life.ts'
import type { ChildRecord } from './records.ts'
import { NOBODY_SAW } from './running.ts'

/** An instance that is a process of this machine. */
export interface Child {
  readonly record: ChildRecord
  /** It has a process that is fit for requests, or was so far. */
  readonly isWell: boolean
  readonly hasProcess: boolean
  look(): FleetInstance
  /** The first time. */
  start(): Promise<void>
  /** Goes on where the supervisor before this one was. */
  adopt(): Promise<void>
  /** @returns false when it is ending or has ended */
  serve(): Promise<boolean>
  drain(): Promise<void>
  stop(): Promise<void>
  /** Ends its process, and waits for that; what serves comes back with the next supervisor. */
  halt(): Promise<void>
  /** Lets it go its way without this supervisor. */
  leave(): Promise<void>
}

export function createChild(record: ChildRecord, around: Surroundings): Child {
  const being = createBeing(record, around)
  return {
    get record() {
      return being.record
    },
    get isWell() {
      return being.isWell
    },
    get hasProcess() {
      return being.running !== undefined
    },
    look: () => look(being),
    start: () => being.inTurn(() => launch(being)),
    adopt: () => being.inTurn(() => adopt(being)),
    serve: () => being.inTurn(() => serve(being)),
    drain: () => being.inTurn(() => drain(being)),
    stop: () => being.inTurn(() => stop(being)),
    halt: () => halt(being),
    leave: () =>
      being.inTurn(async () => {
        forgetTimers(being)
        being.stopChecking()
        being.running?.leave()
      }),
  }
}

function look({ record, checked }: Being): FleetInstance {
  const { id, role, slot, version, state, resumes, restarts, ended, sinceMs } = record
  const nowMs = monotonicMs()
  return {
    id,
    role,
    slot,
    version,
    state,
    restarts,
    health: healthAt(checked, nowMs),
    inStateMs: Math.max(0, nowMs - sinceMs),
    ...(resumes === true ? { returning: true } : {}),
    ...(state === 'gone' ? { ended: ended ?? NOBODY_SAW } : ended === undefined ? {} : { ended }),
  }
}

async function adopt(being: Being): Promise<void> {
  const { record, around } = being
  if (record.state === 'gone') return
  if (record.process === undefined || !isStillThere(record.process, record.id)) {
    await adoptWithout(being)
    return
  }
  if (record.port !== undefined) around.ports.keep(record.port)
  attend(being, record.process, undefined)
  if (record.state === 'stopping') await end(being)
}

/** Nobody saw how its process ended, as in a reboot: so it is not blamed for that where it can be started again. */
async function adoptWithout(being: Being): Promise<void> {
  if (comesBack(being)) await startAgain(being, 0, { process: undefined, port: undefined, told: undefined })
  else if (await hasNotBegun(being))
    await launch(being).catch((error: unknown) => onEnded(being, messageOf(error)))
  else await onEnded(being, NOBODY_SAW)
}

/** A supervisor that is killed between its record and its leave takes the waiting shell with it: the program never ran. */
async function hasNotBegun({ record, around }: Being): Promise<boolean> {
  if (record.state !== 'starting' || record.process === undefined || around.role === undefined) return false
  return (await around.logs.tail(record.id, 1)).length === 0
}

/** Also when only something is left that its process had started. */
function isStillThere(mark: ProcessMark, id: string): boolean {
  return isRunning(mark) || isMarkedGroupThere(mark, `BELLOWS_INSTANCE=${id}`)
}

async function serve(being: Being): Promise<boolean> {
  const { state } = being.record
  if (state === 'stopping' || state === 'gone') return false
  // One that is being started again serves as soon as it is well, as it was told before.
  if (state === 'serving' || being.running === undefined) return true
  being.isWell = true
  await commit(being, { state: 'serving', resumes: undefined })
  return true
}

async function drain(being: Being): Promise<void> {
  const { state } = being.record
  if (state !== 'starting' && state !== 'serving') return
  if (being.running === undefined) await giveUp(being)
  else await commit(being, { state: 'draining', resumes: undefined })
}

async function stop(being: Being): Promise<void> {
  const { state } = being.record
  if (state === 'stopping' || state === 'gone') return
  if (being.running === undefined) {
    await giveUp(being)
    return
  }
  await commit(being, { state: 'stopping', resumes: undefined })
  await end(being)
}

/** It waits to be started again, and is not any more. */
async function giveUp(being: Being): Promise<void> {
  await commit(being, { state: 'gone', resumes: undefined })
  forgetTimers(being)
}

async function halt(being: Being): Promise<void> {
  const running = await being.inTurn(async () => {
    being.isHalting = true
    if (being.running === undefined) forgetTimers(being)
    else if (being.record.state !== 'stopping') {
      if (being.record.state !== 'serving' && being.record.resumes !== true)
        await accept(being, { state: 'stopping' })
      await end(being)
    }
    return being.running
  })
  await running?.ended
  // In turn, so that what its end brings about has been written down.
  await being.inTurn(async () => undefined)
}
