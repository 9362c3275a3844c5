import type { InstanceFailed, Replaced, RoleWish, RolloutOutcome, Slot } from './event.ts'
import type { Placement } from './fleet.ts'
import type { CheckResult, RolloutRules } from './rules.ts'

/** One rollout, as the fold of its events. */
export interface Rollout {
  readonly number: number
  readonly version: string
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
  readonly before: readonly Replaced[]
  readonly direction: 'forward' | 'back'
  /** Why it turned back. */
  readonly turnedBecause: string | undefined
  /** What served when it began and what it placed, by id. */
  readonly instances: ReadonlyMap<string, Known>
  /** Ids of what gets no new work any more. */
  readonly drained: ReadonlySet<string>
  /** Names of the slots that the batches of this direction have begun with. */
  readonly begun: ReadonlySet<string>
  /** Batches of this direction so far. */
  readonly batches: number
  /** When the last batch was settled; absent while it is not. */
  readonly settledAtMs: number | undefined
  /** Instances placed in each slot so far, by the name of the slot. */
  readonly attempts: ReadonlyMap<string, number>
  /** Of those, failed since a human or the turn gave the slot a new chance. */
  readonly failures: ReadonlyMap<string, number>
  /** Slots that failed for good, and why. */
  readonly setAside: ReadonlyMap<string, string>
  readonly lastFailure: InstanceFailed | undefined
  /** The last answer of each check behind this batch. */
  readonly checks: ReadonlyMap<string, Checked>
  readonly paused: Paused | undefined
  /** Who wants it taken back. */
  readonly abortedBy: string | undefined
  /** The pause behind this batch is over, because somebody said so. */
  readonly hurried: boolean
  /** Position of the last request that was heard. */
  readonly heard: number
  /** When something happened last. */
  readonly movedAtMs: number
  readonly outcome: RolloutOutcome | undefined
  readonly endedBecause: string | undefined
}

export interface Known extends Placement {
  /** Served before the rollout began, or was placed by it on the way forward or back. */
  readonly from: 'before' | Rollout['direction']
  readonly state: 'placed' | 'running' | 'serving' | 'gone'
  readonly sinceMs: number
  readonly failed: string | undefined
}

export interface Checked extends CheckResult {
  readonly atMs: number
  /** Answers in a row that could not tell. */
  readonly unknowns: number
}

export interface Paused {
  readonly because: string
  /** `asked`: the batch that is under way is finished; `held`: nothing is under way; `failure`: nothing is touched. */
  readonly kind: 'asked' | 'held' | 'failure'
}

/** `web-2`. Unique, as a slot is a number. */
export function slotName({ role, slot }: Slot): string {
  return `${role}-${slot}`
}
