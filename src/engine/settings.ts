import type { Override } from '../core/gate/check.ts'
import type { Check } from '../core/rollout/rules.ts'
import type { Rules } from '../core/throttle/decide.ts'

/** Every bound of the engine, complete: the defaults live in `config.ts`. */
export interface Settings {
  readonly lock: LockSettings
  /** How long an instant statement may run once it has its locks. It stops clients for as long. */
  readonly holdTimeoutMs: number
  /** Bound of a scan that lets writers go on, and of a concurrent index build. */
  readonly scanTimeoutMs: number
  readonly batch: BatchSettings
  readonly brake: BrakeSettings
  readonly driver: DriverSettings
  readonly gate: GateSettings
  /** How long a hidden column is kept before it is dropped. */
  readonly graceMs: number
}

export interface LockSettings {
  /** Lock timeout of the first attempt, a canary that stops nobody for long. */
  readonly canaryTimeoutMs: number
  /** Lock timeout of each attempt after it. */
  readonly heldTimeoutMs: number
  /** Longest pause between two attempts, in which the queue behind drains. */
  readonly pauseMaxMs: number
  /** After this all attempts are over, waiting included. */
  readonly deadlineMs: number
}

export interface BatchSettings {
  /** Rows of one transaction, about: whole pages are taken, and split only when one page holds more. `by_time`: as many as `targetMs` allows. */
  readonly rows: number | 'by_time'
  /** How long one is to take. Shorter ones are gentler to others who want the same rows or pages, longer ones quicker as a whole. */
  readonly targetMs: number
  /** Batches side by side, each in a session of its own. */
  readonly workers: number
  /** Rows of one chunk of a verification, about. */
  readonly verifyRows: number
  /** Longest wait for a row that somebody holds. */
  readonly lockTimeoutMs: number
  /** Longest time of a batch beside that. Both together are shorter than PostgreSQL's deadlock_timeout (1 s). */
  readonly statementTimeoutMs: number
  /** Somebody who is in a transaction for longer keeps dead versions of rows from being pruned: the ladder would bring nothing. */
  readonly horizonMs: number
  /** Attempts of one batch that loses a lock or a deadlock. */
  readonly attemptsMax: number
  /** Passes over the table until one finds nothing left to fill. */
  readonly passesMax: number
  /** What becomes of a row that cannot be filled: the backfill stops there, or goes on without it and stands at its end. */
  readonly onBadRow: 'stop' | 'quarantine'
  /** Rows of one backfill that it goes on without, at most: where there are more the mapping is to blame. */
  readonly quarantineMax: number
}

export type BadRows = Pick<BatchSettings, 'onBadRow' | 'quarantineMax'>

/** What holds a backfill and a verification back. */
export interface BrakeSettings extends Rules {
  /** Pause between two looks at the signals. */
  readonly pollMs: number
  /** Longest pause without an end; then the command gives up. */
  readonly pauseMaxMs: number
  /** What the user wants to hold meanwhile. */
  readonly checks: readonly Check[]
  readonly checkTimeoutMs: number
}

export interface DriverSettings {
  readonly heartbeatMs: number
  /** A driver that was silent for longer is replaced. */
  readonly staleMs: number
  /** Longest wait for another driver that is at work. */
  readonly waitMs: number
  readonly pollMs: number
  /** How often a run is taken up again after the connection was lost. */
  readonly reconnectsMax: number
}

export interface GateSettings {
  /** A lease that has been over for longer, with no session left, no longer blocks. */
  readonly silentGraceMs: number
  /** How long the door stays closed if the driver dies within. */
  readonly doorMs: number
  /** What to think when no instance was ever registered that uses the table. */
  readonly whenNoneRegistered: 'refuse' | 'allow'
  /** Why that is allowed, and why less than usual is asked for; kept in the journal. */
  readonly reason?: string
  /** Sessions of nobody who registered, and transactions older than the door: do they keep it closed, or are they named only? */
  readonly unregistered: 'refuse' | 'allow'
  /** How long nothing may have used the old shape; 0 asks for no such time. */
  readonly quietMs: number
  /** How long, where no such instance was ever registered and its use is all that can be seen of a column. */
  readonly quietAloneMs: number
  /** How long a closed door waits for the transactions that are older. */
  readonly transactionsMs: number
  /** The version of the application that is to stay, where no rollout of the run says so. */
  readonly version?: string
  /** What the owner goes on without, each with a reason that is kept. */
  readonly overrides: readonly Override[]
}
