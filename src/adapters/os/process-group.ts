import { codeOf } from './error-parts.ts'
import { isRunning, type ProcessMark } from './process-mark.ts'

/**
 * Whether a process that leads a group of its own is there, or one that it left behind in its group. A number is not given away
 * as long as a group has it: when it is nobody's and there is such a group, the group is the one of the process that had it.
 */
export function isGroupThere(leader: ProcessMark): boolean {
  return isRunning(leader) || (!isThere(leader.pid) && isThere(-leader.pid))
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

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
