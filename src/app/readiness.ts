/** For a health endpoint. */
export interface Readiness {
  readonly ready: boolean
  /** What stands against it, in words; empty when ready. */
  readonly because: readonly string[]
}

/** How an instance stands with the registry, by the last answer that it had. Times are of one monotonic clock. */
export type Standing =
  | { readonly kind: 'waiting'; readonly because: string }
  | {
      readonly kind: 'registered'
      /** When the call was sent that was answered last: the lease runs at least from there. */
      readonly renewedAtMs: number
      readonly notReady: readonly string[]
      /** Why the calls since then have failed, where one has. */
      readonly failure?: string
    }
  | { readonly kind: 'retired'; readonly because: string }
  | { readonly kind: 'released' }

/** A call has been answered with what is not ready. An older answer says nothing about now. */
export function accepted(standing: Standing, renewedAtMs: number, notReady: readonly string[]): Standing {
  const isLate = standing.kind === 'registered' && standing.renewedAtMs > renewedAtMs
  const isOver = standing.kind === 'retired' || standing.kind === 'released'
  return isLate || isOver ? standing : { kind: 'registered', renewedAtMs, notReady }
}

export interface Failure {
  readonly because: string
  /** The registry has said no; else it could not be asked. */
  readonly isRefusal: boolean
  /** How this instance stood when it asked: who was not in yet has lost nothing. */
  readonly askedAs: Standing['kind']
}

/** A call has failed. */
export function failed(standing: Standing, { because, isRefusal, askedAs }: Failure): Standing {
  if (standing.kind === 'waiting') return { kind: 'waiting', because }
  if (standing.kind !== 'registered' || askedAs !== 'registered') return standing
  return isRefusal ? { kind: 'retired', because } : { ...standing, failure: because }
}

/**
 * Asks nobody. What was true at the last answer is taken as true for a lease, so that a shared database that does not answer
 * for a moment takes no instance out of service.
 */
export function readinessOf(standing: Standing, leaseMs: number, nowMs: number): Readiness {
  const because = problems(standing, leaseMs, nowMs)
  return { ready: because.length === 0, because }
}

function problems(standing: Standing, leaseMs: number, nowMs: number): string[] {
  switch (standing.kind) {
    case 'waiting':
      return [`not registered yet: ${standing.because}`]
    case 'retired':
      return [standing.because]
    case 'released':
      return ['this instance was released']
    case 'registered': {
      const sinceMs = nowMs - standing.renewedAtMs
      const lapsed = `the lease could not be renewed for ${Math.floor(sinceMs / 1_000)} s: ${unanswered(standing)}`
      return [
        ...standing.notReady.map((column) => `${column} is not filled and verified yet`),
        ...(sinceMs > leaseMs ? [lapsed] : []),
      ]
    }
  }
}

/** What is known of why a lease is not renewed. */
export function unanswered(standing: Standing): string {
  return (standing.kind === 'registered' ? standing.failure : undefined) ?? 'the database does not answer'
}
