import type { RolloutHistory } from './begin.ts'
import type { RolloutOutcome } from './event.ts'
import { type PastOne, rolloutsIn } from './history.ts'
import type { TooOld } from './way-back.ts'

/** A rollout of the past, or the one that is not over. */
export interface PastRollout {
  readonly number: number
  readonly run: number
  /** Version of the application. */
  readonly version: string
  /** Milliseconds since 1970, by the clock of the database. */
  readonly beganAtMs: number
  /** Absent while it is not over. */
  readonly ended?: { readonly atMs: number; readonly outcome: RolloutOutcome; readonly because: string }
  /** Why this version cannot be rolled out again, where it cannot. */
  readonly tooOld?: string
}

/** The newest first. */
export function pastRollouts(history: RolloutHistory, old: readonly TooOld[]): readonly PastRollout[] {
  return rolloutsIn(history)
    .map((one) => pastRollout(one, old))
    .toSorted((a, b) => b.number - a.number)
}

function pastRollout({ run, atMs, begun, end }: PastOne, old: readonly TooOld[]): PastRollout {
  const { version, number } = begun
  const barred = old.find((one) => one.version === version)
  return {
    number,
    run,
    version,
    beganAtMs: atMs,
    ...(end === undefined ? {} : { ended: end }),
    ...(barred === undefined ? {} : { tooOld: barred.because }),
  }
}
