import type { BackfillStep } from '../../core/plan/step.ts'
import type { Pace } from '../../core/run/pace.ts'
import type { Pass, Position, Range } from '../../core/run/ranges.ts'
import type { Lane } from '../ports.ts'
import type { Horizon } from './horizon.ts'
import type { Part } from './leaves.ts'
import type { Climbed } from './range-rows.ts'
import type { teller } from './work-through.ts'

/** A first pass over a table or a partition. */
export interface Climb extends Part<BackfillStep> {
  readonly run: number
  readonly pass: Pass
  readonly tell: ReturnType<typeof teller>
  /** Is told how many rows one of us has set. */
  readonly count?: (rows: number) => void
  /** How many of us there should be at this moment, where there are several at all. Without any the climb is over for us. */
  readonly wanted: () => Promise<number>
}

/** What the workers of one process have in common. */
export interface Shared {
  /** Where nothing is in the way. */
  readonly rungs: number
  pace: Pace
  /** Ranges in front of it are done. */
  low: Position
  /** Ranges that one of them is at work on. */
  readonly busy: Set<Range>
  isRewritten: boolean
  done: Climbed
  /** How many are at work on it, here or elsewhere, once they were counted. */
  workers?: number
  /** The last looks at it, oldest first. */
  looks: readonly Horizon[]
  /** Why some ranges are gone through in one go, for each reason once. */
  readonly told: Set<string>
}

export interface Worker extends Climb {
  readonly lane: Lane
  readonly shared: Shared
}
