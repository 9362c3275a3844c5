import { type Chance, NEW } from '../scenario.ts'
import type { SimulatedDatabase } from './database.ts'
import { hasSession, needsOldNow, type Process, type ProcessOptions, startProcess } from './process.ts'
import type { FleetScenario } from './scenario.ts'
import type { Session } from './sessions.ts'

/** Everybody who uses the table, and what broke the one rule: who needs the old column finds it there. */
export interface Crowd {
  readonly processes: readonly Process[]
  find(id: string): Process | undefined
  /** What happened to somebody who needed the old column when it was gone. */
  readonly harms: readonly string[]
  start(id: string, version: string, onExit?: () => void): Process
  /** Somebody who registers nowhere, and who reads the old column for a while. */
  visit(ms: number): void
  /** The column disappears. */
  hide(): void
  isHidden(): boolean
  /** Somebody needs the old column, or cannot be told from somebody who does. */
  somebodyNeeds(): boolean
}

const VISIT_EVERY_MS = 2_000

export function crowd(database: SimulatedDatabase, luck: Chance, given: FleetScenario): Crowd {
  const { time, sessions } = database
  const processes: Process[] = []
  const byId = new Map<string, Process>()
  const visitors = new Set<Session>()
  const harms: string[] = []
  let hiddenAtMs: number | undefined

  const harm = (who: string): void => {
    if (hiddenAtMs !== undefined)
      harms.push(`${who} uses the old column ${(time.nowMs() - hiddenAtMs) / 1_000} s after it was hidden`)
  }
  const isHidden = (): boolean => hiddenAtMs !== undefined
  const optionsFor = (id: string, version: string): ProcessOptions => {
    const needsOld = version < NEW
    const isOdd = needsOld && given.trouble > 0
    return {
      id,
      needsOld,
      isNamed: !(isOdd && luck.happens(0.05)),
      // Where sessions are only named, nobody looks for one that is left.
      releasesEarly: isOdd && given.gate.unregistered === 'refuse' && luck.happens(0.1),
      jobEveryMs: given.jobEveryMs,
    }
  }

  return {
    processes,
    find: (id) => byId.get(id),
    harms,
    start: (id, version, onExit) => {
      const process = startProcess(
        { database, luck, onUse: harm, isHidden },
        { ...optionsFor(id, version), ...(onExit === undefined ? {} : { onExit }) },
      )
      processes.push(process)
      byId.set(id, process)
      return process
    },
    visit: (ms) => {
      const session = sessions.open('report')
      const untilMs = time.nowMs() + ms
      const read = (): void =>
        sessions.use(session, () => {
          // One that comes when the column is gone already, nobody can have known of.
          const isLate = hiddenAtMs !== undefined && !visitors.has(session)
          if (!isLate) {
            visitors.add(session)
            harm(`the visitor ${session.pid}`)
          }
          if (isLate || time.nowMs() >= untilMs) {
            visitors.delete(session)
            sessions.close(session)
          } else time.after(VISIT_EVERY_MS, read)
        })
      time.after(luck.below(500), read)
    },
    hide: () => {
      hiddenAtMs = time.nowMs()
      for (const one of processes) if (needsOldNow(one)) harms.push(`${one.id} needs what is hidden`)
      for (const { pid } of visitors) harms.push(`the visitor ${pid} needs what is hidden`)
    },
    isHidden,
    somebodyNeeds: () =>
      visitors.size > 0 || processes.some((one) => one.needsOld && (one.life !== 'ended' || hasSession(one))),
  }
}
