import type { Progress } from './event.ts'

/** One look at how far a step has come. */
export interface Sample {
  readonly rowsDone: number
  readonly rowsTotal: number
  /** Seconds since the step began, by the clock of the database. */
  readonly seconds: number
  /** Share of the table that was passed, between 0 and 1. */
  readonly share: number
}

/** Rate and remaining time, from the first sample of this attempt on, so that a night's pause does not count. */
export function progressOf(step: string, first: Sample, now: Sample): Progress {
  const seconds = now.seconds - first.seconds
  const passed = now.share - first.share
  return {
    type: 'progress',
    step,
    rowsDone: now.rowsDone,
    rowsTotal: Math.max(now.rowsTotal, now.rowsDone),
    rowsPerSecond: seconds > 0 ? Math.round((now.rowsDone - first.rowsDone) / seconds) : 0,
    ...(seconds > 0 && passed > 0 ? { secondsLeft: Math.round((seconds * (1 - now.share)) / passed) } : {}),
  }
}
