import type { Cost, Progress } from './event.ts'

/** One look at how far a step has come. */
export interface Sample {
  readonly rowsDone: number
  readonly rowsTotal: number
  /** Seconds since the step began, by the clock of the database. */
  readonly seconds: number
  /** Share of the work that the step has behind it, between 0 and 1. */
  readonly share: number
  /** Which pass it is, where passes differ in their pace. */
  readonly lap?: number
  readonly cost?: Cost
}

/** Where this attempt began, and where its present lap began: a night's pause before it does not count. */
export interface Meter {
  readonly attempt: Sample
  readonly lap: Sample
}

/** The meter after a sample. Who goes back is on another lap as well. */
export function metered(before: Meter | undefined, last: Sample | undefined, now: Sample): Meter {
  if (before === undefined) return { attempt: now, lap: now }
  const isNext = last !== undefined && (now.share < last.share || now.lap !== last.lap)
  return isNext ? { ...before, lap: now } : before
}

/** Rate of the whole attempt, and the time that the rest of the work needs at the pace of the lap. */
export function progressOf(step: string, { attempt, lap }: Meter, now: Sample): Progress {
  const seconds = now.seconds - attempt.seconds
  const lapSeconds = now.seconds - lap.seconds
  const passed = now.share - lap.share
  return {
    type: 'progress',
    step,
    rowsDone: now.rowsDone,
    rowsTotal: Math.max(now.rowsTotal, now.rowsDone),
    rowsPerSecond: seconds > 0 ? Math.round((now.rowsDone - attempt.rowsDone) / seconds) : 0,
    ...(lapSeconds > 0 && passed > 0
      ? { secondsLeft: Math.round((lapSeconds * (1 - now.share)) / passed) }
      : {}),
    ...now.cost,
  }
}
