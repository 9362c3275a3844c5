import type { ErrorCode } from '../errors.ts'
import type { GateCheck, Override } from '../gate/check.ts'
import type { GateTimes } from '../gate/loosened.ts'
import type { Change } from '../plan/change.ts'
import type { Estimate } from '../plan/estimate.ts'
import type { Phase } from '../plan/step.ts'
import type { RolloutEvent } from '../rollout/event.ts'
import type { Decision } from '../throttle/decide.ts'
import type { QuarantinedRow } from './quarantine.ts'

/** What happened in a run, as the journal keeps it: never changed, never deleted. */
export type Event =
  | { readonly type: 'phase_entered'; readonly phase: Phase }
  /** A step that cannot share a transaction with its record is about to run. */
  | { readonly type: 'step_started'; readonly step: string }
  | {
      readonly type: 'step_done'
      readonly step: string
      readonly how: 'performed' | 'found_done'
      readonly facts?: StepFacts
    }
  | {
      readonly type: 'step_failed'
      readonly step: string
      readonly code: ErrorCode
      readonly message: string
    }
  /** The schema that applications see has a new version. The journal gives the number: one more than the highest applied. */
  | {
      readonly type: 'version_applied'
      readonly name: string
      readonly facts: VersionFacts
    }
  | { readonly type: 'version_withdrawn'; readonly version: number; readonly name: string }
  | { readonly type: 'verification_failed'; readonly step: string; readonly verdict: Verdict }
  | {
      readonly type: 'gate_closed'
      readonly because: readonly string[]
      readonly blocking: readonly string[]
    }
  | {
      readonly type: 'gate_opened'
      readonly because: readonly string[]
      readonly overrides: readonly Override[]
    }
  /** In the transaction that hides the column: somebody decided that it may go although a check was not green, or asked for less. */
  | ({ readonly type: 'gate_overridden' } & Override & {
        /** Without a column: the whole table. */
        readonly column: {
          readonly namespace: string
          readonly table: string
          readonly column?: string
          /** What else it is, as people call it. */
          readonly thing?: string
        }
        /** The checks as they were seen. */
        readonly evidence: readonly GateCheck[]
        readonly actor: Actor
      })
  /** For so long every write of the old column fails, as a trial; 0 ended it. */
  | { readonly type: 'brownout'; readonly ms: number }
  /** The hidden column may be dropped by itself, once it has been hidden for so long: with what was said for the contract by hand. */
  | {
      readonly type: 'purge_scheduled'
      readonly graceMs: number
      /** The version that is to stay. */
      readonly staying?: string
      /** Checks to go without. */
      readonly overrides?: readonly Override[]
      /** What counted then, by hand or by the config file. */
      readonly asked?: GateTimes
      /** Names of those that applications read from. */
      readonly standbys?: readonly string[]
    }
  /** Of a rolling deployment of the application. */
  | { readonly type: 'rollout'; readonly event: RolloutEvent }
  | { readonly type: 'retire_undone' }
  | { readonly type: 'rollback_started' }
  | { readonly type: 'run_rolled_back' }
  | { readonly type: 'run_completed' }

export interface StepFacts {
  /** Rows that the step itself set, over all its attempts. */
  readonly rows?: number
  readonly verdict?: Verdict
}

export interface VersionFacts {
  readonly change: Change
  readonly rows?: number
  /** Does what old clients do stay valid? Absent where the phase takes something away. */
  readonly backwardCompatible?: boolean
  /** The table whose shape the journal adds to the record, as people write it: `users (name, full_name NULL)`. */
  readonly table: { readonly namespace: string; readonly name: string }
  /** Made on the way to another version, because a later phase was asked for. */
  readonly implied?: boolean
}

/** What the comparison of all rows found. */
export interface Verdict {
  readonly rows: number
  readonly unfilled: number
  readonly diverged: number
  /** Consistent, but not with the forward mapping: reported, not failed. */
  readonly lossy: number
  /** Some rows that failed, by their key, such as `id=7`. */
  readonly samples: readonly string[]
}

/** Who runs Bellows, as far as a process can tell; the journal adds the role of the database. */
export interface Actor {
  /** Of the operating system. */
  readonly user: string
  readonly host: string
  /** What runs, with its version. */
  readonly tool: string
  /** Where the pipeline that runs it can be looked up. */
  readonly pipeline?: string
}

/** An event as the journal returns it. */
export interface JournalEntry {
  /** Position in the journal of the database, ascending. */
  readonly seq: number
  readonly run: number
  /** ISO 8601, by the clock of the database. */
  readonly at: string
  readonly event: Event
  /** The number that a `version_applied` got. */
  readonly version?: number
  /** The table's shape after it. */
  readonly schema?: string
}

/** What a step has taken so far. */
export interface Cost {
  /** Bytes of log that the server has written since the step began, whoever had it written. */
  readonly logBytes?: number
  /** How many times as large the file of the table or partition is as it was when the pass began. */
  readonly growth?: number
}

/** How far a step that works through a table has come. Shown, not journaled: the checkpoint of the step has the same figures. */
export interface Progress extends Cost {
  readonly type: 'progress'
  readonly step: string
  readonly rowsDone: number
  /** Estimate from the share of the table that was passed; at least `rowsDone`. */
  readonly rowsTotal: number
  /** Rows per second since somebody took it up, another number of workers is at it or another share of the time was asked for, without pauses; 0 where nobody is. */
  readonly rowsPerSecond: number
  /** Seconds to the end at the pace of the present pass; absent while nothing can be said. */
  readonly secondsLeft?: number
  /** Sessions that are at it, here or elsewhere; absent where they were not counted. */
  readonly workers?: number
}

/** What holds a step back that works through a table, or that nothing does any more. Told anew while it lasts. */
export interface Braked extends Omit<Decision, 'share'>, Partial<Pick<Decision, 'share'>> {
  readonly type: 'braked'
  readonly step: string
}

/** What else a watcher is told while it happens. */
export type Notice =
  | Progress
  | Braked
  | { readonly type: 'waiting_for_lock'; readonly step: string; readonly blockers: readonly string[] }
  | { readonly type: 'waiting_for_driver'; readonly holder: string }
  /** It was there, and may be soon again. */
  | { readonly type: 'waiting_for_server'; readonly because: string }
  | { readonly type: 'rollout'; readonly event: RolloutEvent }
  | { readonly type: 'waiting_for_rollout'; readonly waitsFor: readonly string[] }
  /** Why a backfill does not climb its ladder for now. */
  | { readonly type: 'plain_ranges'; readonly step: string; readonly because: string }
  /** A row that cannot be filled is left out; so many are by now. */
  | {
      readonly type: 'quarantined'
      readonly step: string
      readonly rows: number
      readonly newest: QuarantinedRow
    }
  /** Of a worker that is no driver. */
  | { readonly type: 'waiting_for_backfill'; readonly because: string }
  | { readonly type: 'working_on'; readonly step: string; readonly table: string }
  /** What the journal says, to whoever follows a run that somebody else drives. */
  | { readonly type: 'happened'; readonly event: Event; readonly schemaVersion?: number }
  /** What a backfill will need, as it begins. */
  | ({ readonly type: 'estimated' } & Estimate)
  /** What rows are to get was not tried on all of them before the run began, and why. */
  | { readonly type: 'partly_tried'; readonly table: string; readonly because: string }
  /** Whoever is to hear how a rollout stands was not told. */
  | { readonly type: 'nobody_told'; readonly because: string }
  /** How a standby follows that will have to replay what comes now. */
  | { readonly type: 'standby'; readonly because: string }
