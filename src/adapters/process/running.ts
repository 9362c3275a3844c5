import { setTimeout as sleep } from 'node:timers/promises'
import { isGroupThere, signalGroup } from '../os/process-group.ts'
import { isRunning, type ProcessMark } from '../os/process-mark.ts'

/** A process that runs, with all that it starts in its group. */
export interface Running {
  /** How it ended, in words, as soon as nothing of its group is left. */
  readonly ended: Promise<string>
  /** Sent to the whole group, as a terminal or systemd would. */
  signal(name: NodeJS.Signals): void
  /** Looks no more. `ended` never comes then. */
  leave(): void
}

export interface Followed {
  readonly mark: ProcessMark
  /** Comes when a process that is a child of this one ends. Of one that was taken over only its absence can be seen. */
  readonly exited: Promise<string> | undefined
  /** Whether what the process leaves behind in its group may finish. Otherwise it is killed. */
  readonly mayLinger: () => boolean
}

export const NOBODY_SAW = 'unknown: it was not a child of this supervisor'

const POLL_MS = 200
/** What was killed so often and is still there waits for a device, and runs no more. */
const KILLS_MAX = 25

export function follow({ mark, exited, mayLinger }: Followed): Running {
  let isLeft = false
  const ended = async (): Promise<string> => {
    const how = await (exited ?? disappeared())
    for (
      let kills = 0;
      !isLeft && kills < KILLS_MAX && isStill(() => isGroupThere(mark));
      await sleep(POLL_MS)
    )
      if (!mayLinger() && tell('SIGKILL')) kills += 1
    return isLeft ? await new Promise<never>(() => undefined) : how
  }
  const disappeared = async (): Promise<string> => {
    while (!isLeft && isStill(() => isRunning(mark))) await sleep(POLL_MS)
    return NOBODY_SAW
  }
  const tell = (name: NodeJS.Signals): boolean => {
    try {
      signalGroup(mark, name)
      return true
    } catch {
      return false
    }
  }
  const tellInTheEnd = async (name: NodeJS.Signals): Promise<void> => {
    while (!isLeft && !tell(name)) await sleep(POLL_MS)
  }
  return {
    ended: ended(),
    signal: (name) => void tellInTheEnd(name),
    leave: () => {
      isLeft = true
    },
  }
}

/** What cannot be looked at, as this process is out of files, is taken for what it was: nobody is given up, or killed, for that. */
function isStill(look: () => boolean): boolean {
  try {
    return look()
  } catch {
    return true
  }
}
