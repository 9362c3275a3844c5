import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/** The part of a pool that announcing needs; `pg.Pool` has it. */
export interface Pool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  /** Where `pg.Pool` keeps what its sessions are opened with. */
  readonly options?: { application_name?: string | undefined }
}

export interface Announcement {
  /** What this version of the application reads or writes, such as `users.name`. */
  readonly uses: readonly string[]
  readonly application: string
  /** Unique among all instances. Absent: made from the host, the process and a random part. */
  readonly instance?: string
  /** How long this instance counts as alive without renewing, in milliseconds. */
  readonly leaseMs?: number
  /** Called once when the database no longer has what this version uses: finish what is in flight, then stop. */
  readonly onRetired?: (because: string) => void
  /** Called when the lease could not be renewed for two thirds of its time. */
  readonly onStale?: (because: string) => void
}

export interface Announced {
  readonly instance: string
  /** Columns that exist but are not filled and verified yet: do not serve from them. Empty when all is ready. */
  readonly notReady: readonly string[]
  /** Says that this instance is gone. Call it after the pool has served its last query. */
  release(): Promise<void>
}

const LEASE_MS = 30_000
/** A third of the lease, so that two renewals in a row may fail. */
const RENEWALS_PER_LEASE = 3

/**
 * Tells the database that this process runs and what it uses, and goes on telling it. No contract removes what a registered
 * instance uses. Call it before the pool has opened a session: it names the sessions, so that they can be told apart.
 * @throws when the version is too old or too new for the schema: then do not start
 */
export async function announce(pool: Pool, announcement: Announcement): Promise<Announced> {
  const { application, uses, leaseMs = LEASE_MS } = announcement
  const instance =
    announcement.instance ?? `${application}-${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  const applicationName = await nameSessions(pool, `${application}/${instance}`)
  const registration = [instance, uses, leaseMs, application, applicationName]
  const answer = await register(pool, registration)
  const renewal = keepRenewing(pool, registration, leaseMs, announcement)
  return {
    instance,
    notReady: answer.not_ready ?? [],
    release: async () => {
      await renewal.stop()
      await pool.query('select bellows.release($1)', [instance])
    },
  }
}

/** No such namespace, or no such function in it. */
const NOT_INSTALLED = ['3F000', '42883']

async function register(pool: Pool, values: unknown[]): Promise<{ readonly not_ready?: string[] }> {
  try {
    const { rows } = await pool.query('select bellows.register($1, $2, $3, $4, $5) as answer', values)
    return rows[0]?.answer as { not_ready?: string[] }
  } catch (error) {
    if (!NOT_INSTALLED.includes(sqlstateOf(error))) throw error
    throw new Error(
      'The database has no registry of instances yet. Make it once: bellows init --database <url>',
      { cause: error },
    )
  }
}

function sqlstateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The registry must hold what the sessions really carry: the URL may say something else, and the server shortens a name. */
async function nameSessions(pool: Pool, name: string): Promise<string | null> {
  if (pool.options === undefined) return null
  pool.options.application_name ??= name
  const { rows } = await pool.query("select pg_catalog.current_setting('application_name') as name")
  return (rows[0]?.name as string | undefined) ?? null
}

function keepRenewing(
  pool: Pool,
  registration: unknown[],
  leaseMs: number,
  announcement: Announcement,
): { stop: () => Promise<void> } {
  let failures = 0
  let isRetired = false
  const renew = async () => {
    try {
      await renewed(pool, registration)
      failures = 0
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error)
      if (sqlstateOf(error) === REFUSED) {
        clearInterval(timer)
        if (!isRetired) announcement.onRetired?.(because)
        isRetired = true
        return
      }
      failures += 1
      if (failures === RENEWALS_PER_LEASE - 1) announcement.onStale?.(because)
    }
  }
  let last = Promise.resolve()
  const timer = setInterval(() => {
    // Also while another is on its way: one that hangs must not let the lease run out.
    last = renew()
  }, leaseMs / RENEWALS_PER_LEASE)
  // A process that has nothing else to do may end.
  timer.unref()
  return {
    // A renewal that is on its way must not register again behind the release.
    stop: () => {
      clearInterval(timer)
      return last
    },
  }
}

/** Whoever released this instance was mistaken: it is here, so it registers again, and is refused where that is too late. */
async function renewed(pool: Pool, registration: unknown[]): Promise<void> {
  try {
    await pool.query('select bellows.renew($1)', [registration[0]])
  } catch (error) {
    const isUnknown = error instanceof Error && 'detail' in error && error.detail === 'instance_unknown'
    if (!isUnknown) throw error
    await register(pool, registration)
  }
}

/** The registry's own SQLSTATE: it has answered, and the answer is no. */
const REFUSED = 'BW003'
