import { BellowsError, UNDEFINED_TABLE } from '../core/errors.ts'
import type { Lock } from '../core/plan/step.ts'
import { LOCK_GIVEN_UP } from '../core/plan/validate.ts'
import type { Blocker } from '../core/run/blocker.ts'
import { lockAttempts } from '../core/run/lock-attempts.ts'
import type { Driving } from './context.ts'
import { requireAll } from './holds.ts'
import type { Committed, Transaction } from './ports.ts'
import { stopIfAsked } from './stop.ts'

type Unbounded = Omit<Transaction, 'lockTimeoutMs' | 'lockDeadlineMs'> & {
  readonly step: string
  /** Where else somebody can be in the way, whose rows the transaction waits for. */
  readonly waitsFor?: readonly Lock[]
  /** Looks again, before every attempt but the first, at what may have changed while the lock was waited for. */
  readonly lookAgain?: () => Promise<void>
}

/**
 * Runs a transaction that needs locks: bounded attempts, each of the whole transaction, and at the end the name of whoever is
 * in the way. Everybody else waits no longer than one lock timeout at a time.
 * @throws BellowsError `lock_not_had` when the deadline has passed; nothing was changed
 */
export async function transactWithLocks(engine: Driving, transaction: Unbounded): Promise<Committed> {
  let lost: BellowsError | undefined
  let seen: readonly Blocker[] = []
  const { waitsFor = [], lookAgain, ...sent } = transaction
  const { deadlineMs } = engine.settings.lock
  const wanted = [...transaction.locks, ...waitsFor]
  for (const { lockTimeoutMs, pauseMs } of lockAttempts(engine.settings.lock)) {
    stopIfAsked(engine)
    if (lost !== undefined) await lookAgain?.()
    try {
      return await engine.driver.transact({ ...sent, lockTimeoutMs, lockDeadlineMs: deadlineMs })
    } catch (error) {
      if (!isLostRace(error)) throw await becauseOf(engine, transaction, error)
      lost = error
    }
    const blockers = await engine.database.blockers(wanted)
    if (blockers.length > 0) seen = blockers
    if (lost.sqlstate === LOCK_GIVEN_UP && lost.code === 'lock_not_had') break
    engine.notify({ type: 'waiting_for_lock', step: transaction.step, blockers: blockers.map(described) })
    await engine.clock.sleep(pauseMs * (0.5 + engine.clock.random() / 2))
  }
  throw lockNotHad({ ...transaction, locks: wanted }, deadlineMs, seen, lost)
}

/** What is not there at all cannot be locked, and what the step requires says more about it. */
async function becauseOf(engine: Driving, { step, requires }: Unbounded, error: unknown): Promise<unknown> {
  if (!(error instanceof BellowsError) || error.sqlstate !== UNDEFINED_TABLE) return error
  return await requireAll(engine, { id: step, requires }).then(
    () => error,
    (missing: unknown) => missing,
  )
}

function isLostRace(error: unknown): error is BellowsError {
  return error instanceof BellowsError && (error.code === 'lock_not_had' || error.code === 'txn_conflict')
}

function lockNotHad(
  transaction: Unbounded,
  deadlineMs: number,
  blockers: readonly Blocker[],
  cause: unknown,
): BellowsError {
  const [first] = blockers
  return new BellowsError(
    'lock_not_had',
    `The lock on ${tables(transaction.locks)} was not had within ${deadlineMs / 1000} s; nothing was changed.`,
    {
      step: transaction.step,
      cause,
      hint:
        first === undefined
          ? `Nobody was seen in the way for long${saidBy(cause)}; run the same command again at a quieter time.`
          : `In the way: ${blockers.map(described).join('; ')}. Wait for it, or end it: ${first.pid === 0 ? "see pg_prepared_xacts, then rollback prepared '<gid>'" : `select pg_terminate_backend(${first.pid})`}`,
      facts: { blockers },
    },
  )
}

/** A step may wait for more than its locks, and says for what. */
function saidBy(cause: unknown): string {
  const isSaid =
    cause instanceof BellowsError && cause.sqlstate === LOCK_GIVEN_UP && cause.code === 'txn_conflict'
  return isSaid ? `, but for this: ${cause.message}` : ''
}

function tables(locks: readonly Lock[]): string {
  return [...new Set(locks.map(({ relation }) => `"${relation.name}"`))].join(' and ')
}

/** A blocker as a person wants to read it at night. */
export function described({ pid, user, application, transactionSeconds, query }: Blocker): string {
  const age = transactionSeconds >= 1 ? `, in a transaction for ${Math.round(transactionSeconds)} s` : ''
  return `pid ${pid} (${application}, user ${user}${age})${query === '' ? '' : `: ${query.replaceAll(/\s+/g, ' ')}`}`
}
