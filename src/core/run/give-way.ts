/** The bounds of a batch that a deadlock is a matter of. */
export interface BatchBounds {
  readonly lockTimeoutMs: number
  readonly statementTimeoutMs: number
  readonly targetMs: number
}

/** `deadlock_timeout` where nobody has said otherwise, which the bounds of a batch are made for. */
const USUAL_MS = 1_000
/** The rest is for the message that ends a batch. */
const SHARE = 0.9
/** Below it a batch would have no time to do anything. */
export const DEADLOCK_TIMEOUT_MIN_MS = 100

/**
 * Whoever waits for a row of a batch has it before the server looks for a deadlock, so it is never the application that loses one. Where the
 * server looks sooner than usual a batch takes no longer than that. Longer bounds on a usual server are the choice of whoever has said so.
 */
export function givingWay<B extends BatchBounds>(bounds: B, deadlockTimeoutMs: number): B {
  const { lockTimeoutMs, statementTimeoutMs, targetMs } = bounds
  const part = (SHARE * deadlockTimeoutMs) / (lockTimeoutMs + statementTimeoutMs)
  if (deadlockTimeoutMs >= USUAL_MS || part >= 1) return bounds
  const of = (ms: number) => Math.max(1, Math.floor(ms * part))
  return {
    ...bounds,
    lockTimeoutMs: of(lockTimeoutMs),
    statementTimeoutMs: of(statementTimeoutMs),
    targetMs: of(targetMs),
  }
}
