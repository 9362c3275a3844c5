import { DEADLOCK_TIMEOUT_MIN_MS } from './give-way.ts'

/** What was read of a server before anything is done to it. */
export interface ServerFacts {
  /** Such as 180004. */
  readonly serverVersion: number
  readonly isReplica: boolean
  /** A role called `bellows` finds our namespace first, because its search_path begins with "$user". */
  readonly hasRoleOfOurName: boolean
  readonly isInstalled: boolean
  readonly mayCreateNamespace: boolean
  readonly connectionsLeft: number
  /** Transactions that are open for longer than a lock should be waited for. */
  readonly longTransactions: readonly {
    readonly pid: number
    readonly application: string
    readonly seconds: number
  }[]
  readonly preparedTransactions: number
  /** Autovacuum to prevent wraparound does not give way to a lock request. */
  readonly wraparoundVacuums: readonly string[]
  /** After so long a session that waits for a lock looks whether it waits in a circle, and ends its own transaction then. */
  readonly deadlockTimeoutMs: number
  /** Longest time of a batch, waiting for rows and holding them. */
  readonly batchMs: number
}

export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'failed'
  readonly because: string
  readonly hint?: string
}

const OLDEST_MAJOR = 14
const NEWEST_MAJOR = 18
/** One for the driver's lock, one for its heartbeat, one for looking, and some for whoever looks on. */
const CONNECTIONS_NEEDED = 5

/** Every check with its verdict; what is fine is said, too, so that nobody wonders what was looked at. */
export function diagnose(facts: ServerFacts): readonly Finding[] {
  return [
    version(facts),
    role(facts),
    ownName(facts),
    namespace(facts),
    connections(facts),
    transactions(facts),
    prepared(facts),
    vacuums(facts),
    deadlocks(facts),
  ]
}

export function finding(
  check: string,
  because: string,
  problem?: { verdict: 'warning' | 'failed'; hint: string },
): Finding {
  return problem === undefined ? { check, verdict: 'ok', because } : { check, because, ...problem }
}

function version({ serverVersion }: ServerFacts): Finding {
  const major = Math.floor(serverVersion / 10_000)
  const because = `PostgreSQL ${major}.${serverVersion % 10_000}`
  if (major < OLDEST_MAJOR) {
    return finding('version', `${because} is older than ${OLDEST_MAJOR}`, {
      verdict: 'failed',
      hint: `Bellows needs PostgreSQL ${OLDEST_MAJOR} or newer.`,
    })
  }
  if (major <= NEWEST_MAJOR) return finding('version', because)
  return finding('version', `${because} is newer than this Bellows was tested with`, {
    verdict: 'warning',
    hint: 'Try it on a copy first.',
  })
}

function role({ isReplica }: ServerFacts): Finding {
  if (!isReplica) return finding('primary', 'the server takes writes')
  return finding('primary', 'the server is a standby', { verdict: 'failed', hint: 'Connect to the primary.' })
}

function ownName({ hasRoleOfOurName }: ServerFacts): Finding {
  if (!hasRoleOfOurName) return finding('role names', 'none is called like our namespace')
  return finding('role names', 'a role is called "bellows", and finds our tables before those in "public"', {
    verdict: 'warning',
    hint: 'If an application connects as this role: alter role bellows set search_path = public',
  })
}

function namespace({ isInstalled, mayCreateNamespace }: ServerFacts): Finding {
  if (isInstalled) return finding('journal', 'installed')
  if (mayCreateNamespace) return finding('journal', 'not installed yet; the first change does it')
  return finding('journal', 'not installed, and this role may not create a namespace', {
    verdict: 'failed',
    hint: 'grant create on database <name> to <role>, or have the owner run the first command.',
  })
}

function connections({ connectionsLeft }: ServerFacts): Finding {
  const because = `${connectionsLeft} connections are free`
  if (connectionsLeft >= CONNECTIONS_NEEDED) return finding('connections', because)
  return finding('connections', because, {
    verdict: 'warning',
    hint: `Bellows takes up to ${CONNECTIONS_NEEDED}.`,
  })
}

function transactions({ longTransactions }: ServerFacts): Finding {
  if (longTransactions.length === 0) return finding('transactions', 'none is open for long')
  const named = longTransactions.map(
    ({ pid, application, seconds }) => `pid ${pid} (${application}) for ${Math.round(seconds)} s`,
  )
  return finding('transactions', `open: ${named.join(', ')}`, {
    verdict: 'warning',
    hint: 'While they last, locks on their tables are not had, and concurrent index builds wait for them.',
  })
}

function prepared({ preparedTransactions }: ServerFacts): Finding {
  if (preparedTransactions === 0) return finding('prepared transactions', 'none')
  return finding(
    'prepared transactions',
    `${preparedTransactions} hold their locks until somebody ends them`,
    {
      verdict: 'warning',
      hint: 'select * from pg_prepared_xacts, then COMMIT PREPARED or ROLLBACK PREPARED.',
    },
  )
}

function vacuums({ wraparoundVacuums }: ServerFacts): Finding {
  if (wraparoundVacuums.length === 0) return finding('vacuum', 'no vacuum that would not give way')
  return finding('vacuum', `to prevent wraparound: ${wraparoundVacuums.join(', ')}`, {
    verdict: 'warning',
    hint: 'It does not give way to a lock request; wait for it before changing these tables.',
  })
}

/** Of two who wait for one another the one fails that looks first. */
function deadlocks({ deadlockTimeoutMs, batchMs }: ServerFacts): Finding {
  const because = `looked for after ${deadlockTimeoutMs} ms; a batch gives way within ${batchMs} ms`
  if (deadlockTimeoutMs < DEADLOCK_TIMEOUT_MIN_MS)
    return finding('deadlocks', `looked for after ${deadlockTimeoutMs} ms, which is no time for a batch`, {
      verdict: 'failed',
      hint: `Raise deadlock_timeout to ${DEADLOCK_TIMEOUT_MIN_MS} ms or more; 1 s is usual.`,
    })
  if (batchMs < deadlockTimeoutMs) return finding('deadlocks', because)
  return finding('deadlocks', because, {
    verdict: 'warning',
    hint: 'A statement of an application could be the one that fails. Make batch.lockTimeoutMs and batch.statementTimeoutMs together shorter than deadlock_timeout.',
  })
}
