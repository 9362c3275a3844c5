import type { Cost, Progress } from './event.ts'

/** One look at how far a step has come. */
export interface Sample {
  readonly rowsDone: number
  readonly rowsTotal: number
  /** Seconds since the step began, by the clock of the database. */
  readonly seconds: number
  /** Share of the table that this pass has behind it, between 0 and 1. */
  readonly share: number
  readonly cost?: Cost
}

/** Where this attempt began, and where its present pass began: a night's pause before it does not count. */
export interface Meter {
  readonly attempt: Sample
  readonly pass: Sample
}

/** The meter after a sample: a share that went back is a new pass. */
export function metered(before: Meter | undefined, last: Sample | undefined, now: Sample): Meter {
  if (before === undefined) return { attempt: now, pass: now }
  return last !== undefined && now.share < last.share ? { ...before, pass: now } : before
}

/** Rate of the whole attempt, and the time that the rest of the pass needs at the pace of the pass. */
export function progressOf(step: string, { attempt, pass }: Meter, now: Sample): Progress {
  const seconds = now.seconds - attempt.seconds
  const passSeconds = now.seconds - pass.seconds
  const passed = now.share - pass.share
  return {
    type: 'progress',
    step,
    rowsDone: now.rowsDone,
    rowsTotal: Math.max(now.rowsTotal, now.rowsDone),
    rowsPerSecond: seconds > 0 ? Math.round((now.rowsDone - attempt.rowsDone) / seconds) : 0,
    ...(passSeconds > 0 && passed > 0
      ? { secondsLeft: Math.round((passSeconds * (1 - now.share)) / passed) }
      : {}),
    ...now.cost,
  }
}
