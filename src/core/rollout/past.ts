import { numberOf, type RolloutHistory } from './begin.ts'
import type { RolloutOutcome, RolloutStarted, RollStarted } from './event.ts'
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
  return history
    .flatMap((entry, at) => {
      if (entry.event.kind !== 'rollout_started') return []
      // A run has one rollout at a time.
      const behind = history.slice(at + 1).find(({ run }) => run === entry.run)
      return [pastRollout({ ...entry, event: entry.event }, behind, old)]
    })
    .toSorted((a, b) => b.number - a.number)
}

type Began = RolloutHistory[number] & { readonly event: RolloutStarted | RollStarted }

function pastRollout(
  began: Began,
  behind: RolloutHistory[number] | undefined,
  old: readonly TooOld[],
): PastRollout {
  const { version } = began.event
  const barred = old.find((one) => one.version === version)
  const end = behind?.event.kind === 'ended' ? behind.event : undefined
  return {
    number: numberOf(began),
    run: began.run,
    version,
    beganAtMs: began.atMs,
    ...(behind === undefined || end === undefined
      ? {}
      : { ended: { atMs: behind.atMs, outcome: end.outcome, because: end.because } }),
    ...(barred === undefined ? {} : { tooOld: barred.because }),
  }
}
