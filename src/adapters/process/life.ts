import { messageOf } from '../../core/errors.ts'
import type { ProcessRole } from '../../core/processes/config.ts'
import { type CheckResult, counted, healthAt, isWell, UNCHECKED } from '../../core/processes/health.ts'
import { launchOf } from '../../core/processes/launch.ts'
import { nextRestart } from '../../core/processes/restart.ts'
import { monotonicMs } from '../os/monotonic.ts'
import type { ProcessMark } from '../os/process-mark.ts'
import { accept, type Being, commit, forgetTimers, later } from './being.ts'
import { check, keepChecking } from './checks.ts'
import type { ChildRecord } from './records.ts'
import { follow } from './running.ts'
import { type Spawned, spawnWaiting } from './spawn.ts'

/** Starts its process. What cannot be started has ended. */
export async function launch(being: Being): Promise<void> {
  const { role, ports, say } = being.around
  if (role === undefined) return
  let port: number | undefined
  let spawned: Spawned
  try {
    port = role.listen === undefined ? undefined : await ports.take()
    spawned = await spawnWaiting(launchOf(role, being.record, port), logOf(being))
  } catch (error) {
    await accept(being, { port })
    await onEnded(being, `could not be started: ${messageOf(error)}`)
    return
  }
  try {
    await commit(being, { process: spawned.mark, port })
  } catch (error) {
    spawned.abandon()
    if (port !== undefined) ports.release(port)
    throw error
  }
  spawned.go()
  const where = port === undefined ? '' : `, port ${port}`
  say(`"${being.record.id}" was started: process ${spawned.mark.pid}${where}`)
  attend(being, spawned.mark, spawned.exited)
}

/** Starts one again that served, and lets it serve as soon as it is well. */
export async function startAgain(being: Being, pauseMs: number, change: Partial<ChildRecord>): Promise<void> {
  being.isWell = false
  await accept(being, { ...change, state: 'starting', resumes: true })
  later(being, pauseMs, async () => {
    // It may have been given up, or told to end with the supervisor, while this waited for its turn.
    if (!comesBack(being) || being.isHalting) return
    // What cannot even be written down is tried again like a program that ends at once.
    await launch(being).catch((error: unknown) => onEnded(being, messageOf(error)))
  })
}

/** Does it serve again after it has ended by itself? */
export function comesBack({ around, record }: Being): boolean {
  return around.role !== undefined && (record.state === 'serving' || record.resumes === true)
}

/** Follows a process that runs. */
export function attend(being: Being, mark: ProcessMark, exited: Promise<string> | undefined): void {
  const mayLinger = (): boolean => (being.record.state === 'stopping' || being.isHalting) && !being.isOverdue
  being.running = follow({ mark, exited, mayLinger })
  being.checked = UNCHECKED
  void being.running.ended.then((how) => being.inTurn(() => onEnded(being, how)))
  const { role } = being.around
  if (role !== undefined) being.stopChecking = watchHealth(being, role)
}

/** Tells it to end. The second time nothing is said, but it is seen to that it does. */
export async function end(being: Being): Promise<void> {
  const { record, around } = being
  const stopTimeoutMs = around.role?.stopTimeoutMs ?? around.rules.stopTimeoutMs
  const spentMs = record.state === 'stopping' ? monotonicMs() - record.sinceMs : 0
  later(being, GOODBYE_MS, async () => around.cut())
  later(being, Math.max(0, stopTimeoutMs - Math.max(0, spentMs)), async () => {
    being.isOverdue = true
    around.say(`"${record.id}" did not end within ${stopTimeoutMs / 1_000} s and is killed`)
    being.running?.signal('SIGKILL')
  })
  if (record.told === true) return
  being.running?.signal('SIGTERM')
  await accept(being, { told: true })
}

/** For a last word on upgraded connections. An instance that does not close them itself could wait for them without end. */
const GOODBYE_MS = 1_000

/** Its process is gone, with all that it left behind. */
export async function onEnded(being: Being, how: string): Promise<void> {
  const { record, around } = being
  being.running = undefined
  being.stopChecking()
  forgetTimers(being)
  if (record.port !== undefined) around.ports.release(record.port)
  const gone = { process: undefined, port: undefined, told: undefined }
  if (!comesBack(being)) {
    around.say(`"${record.id}" has ended: ${how}`)
    await accept(being, { ...gone, state: 'gone', resumes: undefined, ended: how })
  } else if (being.isHalting) await accept(being, gone)
  else await restart(being, how, gone)
}

async function restart(being: Being, how: string, gone: Partial<ChildRecord>): Promise<void> {
  const { healthyForMs } = healthAt(being.checked, monotonicMs())
  const { inRow, pauseMs } = nextRestart(being.restartsInRow, healthyForMs)
  being.restartsInRow = inRow
  being.checked = counted(UNCHECKED, { outcome: 'failed', because: `ended: ${how}` }, 0)
  being.around.say(
    `"${being.record.id}" has ended by itself (${how}); it is started again in ${pauseMs / 1_000} s`,
  )
  await startAgain(being, pauseMs, { ...gone, ended: how, restarts: being.record.restarts + 1 })
}

function logOf({ around, record }: Being): string {
  return around.logs.fileOf(record.id)
}

function watchHealth(being: Being, role: ProcessRole): () => void {
  const { record } = being
  const { health } = role
  const command = health.kind === 'command' ? health.command : []
  const at = { port: record.port, launch: launchOf({ ...role, command }, record, record.port) }
  return keepChecking(
    () => check(health, at),
    health.intervalMs,
    (result) => onChecked(being, result),
  )
}

function onChecked(being: Being, result: CheckResult): void {
  const { around, record, isWell: wasWell } = being
  being.checked = counted(being.checked, result, monotonicMs())
  being.isWell = isWell(wasWell, being.checked, around.rules.health)
  void around.logs.bound(record.id).catch((error: unknown) => around.say(messageOf(error)))
  if (wasWell === being.isWell) return
  if (record.resumes === true) {
    void being.inTurn(async () => {
      if (being.isWell && being.record.resumes === true && being.running !== undefined)
        await accept(being, { state: 'serving', resumes: undefined })
    })
  } else if (record.state === 'serving') {
    around.say(`"${record.id}" is ${being.isWell ? 'well again' : `not well: ${being.checked.lastError}`}`)
    around.changed()
  }
}
