import { lockWords } from '../../core/plan/locks.ts'
import type { Requirement } from '../../core/plan/step.ts'
import { LOCK_DEADLINE } from '../../core/plan/validate.ts'
import { join, lit, qualified, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Committed, Recorded, Transaction } from '../../engine/ports.ts'
import { answerMsOf } from './answer-time.ts'
import type { Row } from './connection.ts'

/** The whole transaction as one message: limits, fence, locks, requirements, statements, probe, journal, COMMIT. */
export function transactionText(transaction: Transaction, epoch: number): Sql {
  const {
    run,
    lockTimeoutMs,
    lockDeadlineMs,
    statementTimeoutMs,
    locks,
    requires,
    statements,
    probe,
    events,
  } = transaction
  const explicit = locks.filter((lock) => lock.implied !== true)
  return join(
    [
      sql`begin`,
      sql`set local lock_timeout = ${lit(`${lockTimeoutMs}ms`)}`,
      sql`set local statement_timeout = ${lit(`${lockTimeoutMs + statementTimeoutMs}ms`)}`,
      ...(lockDeadlineMs === undefined
        ? []
        : [sql`set local ${trusted(LOCK_DEADLINE)} = ${lit(String(lockDeadlineMs))}`]),
      transactionTimeout(lockTimeoutMs + statementTimeoutMs),
      sql`select bellows.fence(${lit(epoch)})`,
      ...(transaction.ahead ?? []),
      ...explicit.map(
        ({ relation, level, only }) =>
          sql`lock table ${only === true ? sql`only ` : sql``}${qualified(relation)} in ${trusted(lockWords(level))} mode`,
      ),
      ...requires.map(requirementSql),
      ...statements,
      ...(probe === undefined
        ? []
        : [requirementSql({ that: probe, code: 'probe_failed', otherwise: PROBE_FAILED })]),
      ...events.map(
        (event) =>
          sql`select bellows.record(${lit(run)}, ${lit(epoch)}, ${lit(JSON.stringify(event))}) as recorded`,
      ),
      sql`commit`,
    ],
    ';\n',
  )
}

/** Of the parts of a transaction each has its own bound; since PostgreSQL 17 the whole has one, too. */
const PARTS_PER_TRANSACTION = 4

/** How long the answer to a transaction may take. */
export function transactionAnswerMs({
  lockTimeoutMs,
  statementTimeoutMs,
}: Pick<Transaction, 'lockTimeoutMs' | 'statementTimeoutMs'>): number {
  return answerMsOf(PARTS_PER_TRANSACTION, lockTimeoutMs + statementTimeoutMs)
}

function transactionTimeout(partMs: number): Sql {
  const wholeMs = partMs * PARTS_PER_TRANSACTION
  return sql`select pg_catalog.set_config('transaction_timeout', ${lit(String(wholeMs))}, true) where pg_catalog.current_setting('server_version_num')::integer >= 170000`
}

const PROBE_FAILED = 'the step ran, but what it should have brought about does not hold'

export function requirementSql({ that, code, otherwise, which }: Requirement): Sql {
  if (which === undefined) return sql`select bellows.require((${that}), ${lit(code)}, ${lit(otherwise)})`
  // What is in the way is looked for where something is, and not while everybody waits for what goes on.
  return sql`select bellows.require(false, ${lit(code)}, ${lit(otherwise)} || coalesce(': ' || (${which}), '')) where (${that}) is not true`
}

/**
 * What is asked under the locks, asked once before them, whatever the answers are: the server has looked up then what it needs to know
 * of the tables and for the questions, and nobody waits for that. Undefined where nothing is asked. Some look at tables, for which they wait
 * no longer than the transaction does for its locks.
 */
export function askedAheadText(
  transaction: Transaction,
): { readonly text: Sql; readonly answerMs: number } | undefined {
  const { locks, requires, probe, lockTimeoutMs, statementTimeoutMs } = transaction
  if (locks.length === 0 || requires.length === 0) return undefined
  const asked = requires.flatMap(({ that, which }) => (which === undefined ? [that] : [that, which]))
  const all = [...asked, ...(probe === undefined ? [] : [probe])]
  const statementMs = lockTimeoutMs + statementTimeoutMs
  const bounds = { lock_timeout: lockTimeoutMs, statement_timeout: statementMs }
  const text = join(
    [
      ...Object.entries(bounds).map(
        ([name, ms]) => sql`select pg_catalog.set_config(${lit(name)}, ${lit(String(ms))}, true)`,
      ),
      ...all.map((one) => sql`select (${one})`),
    ],
    ';\n',
  )
  return { text, answerMs: answerMsOf(all.length, statementMs) }
}

/** Picks out of all results what statements return as `result` and `took` (JSON) and what the journal recorded. */
export function committed(results: readonly (readonly Row[])[]): Committed {
  const column = (name: string) =>
    results.flatMap((rows) => (rows[0] !== undefined && name in rows[0] ? [rows[0][name]] : []))
  return {
    result: column('result').at(-1),
    took: column('took').at(-1),
    recorded: column('recorded') as readonly Recorded[],
  }
}
