const PAUSE_MIN_MS = 1_000
const PAUSE_MAX_MS = 30_000
/** An instance that was well for so long has not failed to start. */
const STEADY_MS = 60_000

export interface Restart {
  /** How many in a row this is one of. */
  readonly inRow: number
  /** How long to wait before it. */
  readonly pauseMs: number
}

/** The restart of an instance that ended by itself, after so many in a row. */
export function nextRestart(inRowBefore: number, healthyForMs: number): Restart {
  const before = healthyForMs >= STEADY_MS ? 0 : inRowBefore
  return { inRow: before + 1, pauseMs: Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** before) }
}
