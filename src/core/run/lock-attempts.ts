export interface LockPolicy {
  readonly canaryTimeoutMs: number
  readonly heldTimeoutMs: number
  readonly pauseMaxMs: number
  readonly deadlineMs: number
}

/** One attempt to get a lock, and the pause behind it, in which those who queued up get through. */
export interface LockAttempt {
  readonly lockTimeoutMs: number
  readonly pauseMs: number
}

/**
 * A canary, then few longer attempts with growing pauses: every attempt makes all others wait for up to its timeout, so few
 * that can succeed are kinder than hundreds that cannot. The sum of all timeouts and pauses never exceeds the deadline, and
 * the last attempt has a timeout like the others.
 */
export function lockAttempts(policy: LockPolicy): readonly LockAttempt[] {
  const attempts: LockAttempt[] = []
  let left = policy.deadlineMs
  for (let at = 0; left > 0; at += 1) {
    const lockTimeoutMs = Math.max(
      1,
      Math.min(left, at === 0 ? policy.canaryTimeoutMs : policy.heldTimeoutMs),
    )
    const pauseMs = Math.max(
      0,
      Math.min(left - lockTimeoutMs, policy.pauseMaxMs, 2 ** at * policy.canaryTimeoutMs),
    )
    attempts.push({ lockTimeoutMs, pauseMs })
    left -= lockTimeoutMs + pauseMs
  }
  return attempts
}
