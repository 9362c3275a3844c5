import type { TooOld } from '../core/rollout/way-back.ts'
import {
  type RolledWorkload,
  type WorkloadFacts,
  type WorkloadFailure,
  workloadName,
} from '../core/rollout/workload.ts'
import type { RollOutcome, WorkloadEvent } from '../core/rollout/workload-event.ts'
import type { WorkloadRules, WorkloadVerdict } from '../core/rollout/workload-verdict.ts'
import type { Clock, Cluster } from './ports.ts'

export interface RollRules extends WorkloadRules {
  /** Old pods that have not ended after so long without any ending are waited for by the next call. */
  readonly drainMaxMs: number
  /** Longest time between two looks, and shortest. */
  readonly pollMaxMs: number
  readonly pollMinMs: number
  /** How long a cluster that does not answer is asked again. A roll that cannot be seen has not failed. */
  readonly blindMaxMs: number
  readonly onFailure: WorkloadFailure
  /** How long what is rolled is watched before the next workload, and at the end. */
  readonly pauseBetweenMs: number
  readonly bakeMs: number
}

export interface Roller {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly rules: RollRules
  /** Returns when the event is durable: a template is changed only after what it was is kept. */
  readonly remember: (event: WorkloadEvent) => Promise<void>
  /** Asked between two looks. */
  readonly asked: () => Promise<Wanted>
  /** How long ago the last workload was rolled, by a clock that does not begin anew with another process. */
  readonly rolledForMs: () => Promise<number>
  /** Asked behind each workload: what speaks against the next one, and against the end. */
  readonly checked: () => Promise<CheckTrouble | undefined>
  /** What no template is put back to, whatever fails: the database cannot serve it any more. */
  readonly tooOld: readonly TooOld[]
  /** Told of every look. */
  readonly notify: (facts: WorkloadFacts, verdict: WorkloadVerdict) => void
  /** Told why there is nothing to be seen. */
  readonly blind: (because: string) => void
}

/** `pause`: stop here, the cluster goes on by itself · `abort`: go back. */
export type Wanted =
  | { readonly wants: 'go' | 'pause' }
  | { readonly wants: 'abort'; readonly because: string }

/** `fail`: it goes back · `unknown`: it stands still for somebody. */
export interface CheckTrouble {
  readonly outcome: 'fail' | 'unknown'
  readonly because: string
}

/** `refused`: nothing was changed · `draining`, `paused`: call again to go on. */
export type Rolled =
  | RollOutcome
  | { readonly state: 'refused' | 'draining' | 'paused'; readonly because: readonly string[] }

export function aborted({ because }: { readonly because: string }): WorkloadEvent {
  return { type: 'roll_aborted', because: [because] }
}

export function paused(workload: RolledWorkload): Rolled {
  return { state: 'paused', because: [`stopped as asked, at the ${workloadName(workload)}`] }
}
