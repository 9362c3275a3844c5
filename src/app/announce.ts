import { holdLease } from './lease.ts'
import { type Readiness, readinessOf, type Standing } from './readiness.ts'
import { type Pool, registryOn } from './registry.ts'

export type { Pool, Readiness }

export interface Announcement {
  /** What this version of the application reads or writes, such as `users.name`. */
  readonly uses: readonly string[]
  readonly application: string
  /** Of the application: `bellows instances` and the gate say it, so that whoever is left can be found. */
  readonly version?: string | undefined
  /** `web`, `worker`, `cron`, or what the application calls it. */
  readonly kind?: string | undefined
  /** Unique among all instances. Absent: made from the host, the process and a random part. */
  readonly instance?: string | undefined
  /** How long this instance counts as alive without renewing, in milliseconds. */
  readonly leaseMs?: number
  /**
   * What to do as long as the database does not accept this instance, has no registry or cannot be asked. `throw`, the
   * default: do not start. `wait`: start, and ask again three times a lease; `readiness` says what is waited for.
   */
  readonly unlessAccepted?: 'throw' | 'wait'
  /** Called once when the database no longer has what this version uses: finish what is in flight, then stop. */
  readonly onRetired?: (because: string) => void
  /** Called when two thirds of the lease have passed since it was renewed last. */
  readonly onStale?: (because: string) => void
}

export interface Announced {
  readonly instance: string
  /** Columns that are not filled and verified yet: do not serve from them. All that it uses, when it is not registered. */
  readonly notReady: readonly string[]
  /**
   * Whether this instance may serve: it is registered, all that it uses is filled and verified, and the lease holds. A database
   * that is ahead of it is fine. Asks nobody: call it as often as you like.
   */
  readiness(): Readiness
  /**
   * Says that this instance is gone. Call it after the pool has served its last query.
   * @throws when the database does not answer within 10 s
   */
  release(): Promise<void>
}

const LEASE_MS = 30_000

/**
 * Tells the database that this process runs and what it uses, and goes on telling it. No contract removes what a registered
 * instance uses. Call it before the pool has opened a session: it names the sessions, so that they can be told apart.
 * @throws when the version is too old or too new for the schema, and `unlessAccepted` is `throw`: then do not start
 */
export async function announce(pool: Pool, announcement: Announcement): Promise<Announced> {
  const { leaseMs = LEASE_MS, unlessAccepted = 'throw' } = announcement
  const registry = registryOn(pool, { ...announcement, leaseMs })

  let start: Standing = { kind: 'waiting', because: 'the database has not answered yet' }
  if (unlessAccepted === 'throw') {
    const renewedAtMs = performance.now()
    start = { kind: 'registered', renewedAtMs, notReady: await registry.register() }
  }
  const lease = holdLease(registry, start, { ...announcement, leaseMs })
  await lease.begun()

  return {
    instance: registry.instance,
    get notReady() {
      const standing = lease.standing()
      return standing.kind === 'registered' ? standing.notReady : announcement.uses
    },
    readiness: () => readinessOf(lease.standing(), leaseMs, performance.now()),
    release: lease.release,
  }
}
