import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { codeOf } from './error-parts.ts'
import { hasEnded, isRunning, type ProcessMark, startOf, statOf } from './process-mark.ts'

/**
 * Whether a process that leads a group of its own is there, or one that it left behind in its group. A number is not given away
 * as long as a group has it: when no other process has it and there is such a group, the group is the one of the process that had it.
 */
export function isGroupThere(leader: ProcessMark): boolean {
  if (isRunning(leader)) return true
  return startOf(leader.pid) === undefined && hasMembers(leader.pid)
}

/**
 * Sends a signal to the leader and its group, and to nobody else: not to a process that was given its number later. Whether it
 * was heard is seen by what it does: a group that is just ending, or that has become another user's, hears nothing.
 */
export function signalGroup(leader: ProcessMark, signal: NodeJS.Signals): void {
  if (!isGroupThere(leader)) return
  try {
    process.kill(-leader.pid, signal)
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes(codeOf(error) ?? '')) throw error
  }
}

/**
 * Whether a process of the leader's group carries this variable in its environment, given as `NAME=value`. After a long time in
 * which nobody looked, the number of a leader that has ended may be that of another group, so the number alone proves nothing.
 * Elsewhere than on Linux it cannot be told: then none does.
 */
export function isMarkedGroupThere({ pid }: ProcessMark, variable: string): boolean {
  if (process.platform !== 'linux') return false
  return membersOf(pid).some((member) => environOf(member).includes(variable))
}

function environOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function hasMembers(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  return membersOf(group).length > 0
}

/** Numbers of its processes. Zombies do not count: nobody may ever ask how they ended. */
function membersOf(group: number): readonly string[] {
  return processTable().flatMap(([pid, state, of]) =>
    of === String(group) && pid !== undefined && !hasEnded(state) ? [pid] : [],
  )
}

/** Of all processes the number, the state, and the group. */
function processTable(): readonly (readonly (string | undefined)[])[] {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.map((pid) => {
      const [state, , group] = statOf(pid)
      return [pid, state, group]
    })
  }
  const columns = ['pid', 'stat', 'pgid'].flatMap((column) => ['-o', `${column}=`])
  const { stdout, error } = spawnSync('ps', ['-A', ...columns], { encoding: 'utf8' })
  if (error !== undefined) throw error
  return stdout.split('\n').map((line) => line.trim().split(/\s+/))
}
