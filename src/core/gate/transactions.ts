import { lit } from '../sql.ts'
import { type GateCheck, type GateRules, green, known, type Offender } from './check.ts'
import { type Replay, replaySentence } from './replay.ts'
import { LIST_REACHABLE, type SessionFacts } from './sessions.ts'

/** A transaction that is older than the closing of the door, or whose age this role may not see. */
export interface OldTransaction {
  readonly pid: number | null
  /** Name of a prepared one. */
  readonly prepared: string | null
  readonly role: string
  readonly application: string
  readonly address: string | null
  readonly since: string | null
  /** Has it a lock on the table? */
  readonly holds: boolean
  /** May this role not see when it began? */
  readonly hidden: boolean
  /** The standby that it runs on; absent on the primary. */
  readonly standby?: string
}

export interface TransactionFacts {
  readonly transactions: readonly OldTransaction[]
  readonly replays: readonly Replay[]
  /** Of standbys that could not be read their transactions are not known, either. */
  readonly sessions: Pick<SessionFacts, 'unseen'>
}

/**
 * E4: no transaction is left from before the door was closed, and no prepared one holds the table. Nobody can decide to go on
 * without one that has a lock on the table: the change would wait for it, and everybody else behind the change. Where they are only
 * named the change does wait, for as long as a lock is waited for. One that hides when it began may have begun just now. How the standbys
 * follow is said with it: a transaction there is in the way as well, and whether there is one nobody knows of a standby that does not answer.
 */
export function transactionsCheck(column: string, facts: TransactionFacts, rules: GateRules): GateCheck {
  const check = judged(column, facts, rules)
  return { ...check, because: [...check.because, ...facts.replays.map(replaySentence)] }
}

function judged(
  column: string,
  { transactions, sessions: { unseen } }: TransactionFacts,
  rules: GateRules,
): GateCheck {
  const isNamedOnly = rules.unregistered === 'allow'
  const old = transactions.filter(({ hidden }) => !hidden)
  // Whoever holds it on the primary the change itself meets, and gives way to.
  const isInTheWay = old.some(({ standby }) => standby !== undefined || !isNamedOnly)
  const hidden = transactions.filter((one) => one.hidden)
  const because = [
    ...old.map((one) => sentence(one, column)),
    ...hiddenSentence(hidden),
    ...unseen.map(({ standby, why }) => `the transactions on ${standby} are not known: ${why}`),
  ]
  const offenders = old.map(offender)
  if (because.length === 0)
    return green('transactions', ['no transaction is left from before the door was closed'])
  if (isNamedOnly && !isInTheWay && unseen.length === 0) return green('transactions', because, offenders)
  return {
    check: 'transactions',
    state: isInTheWay ? 'red' : 'unknown',
    code: 'gate_closed',
    because,
    offenders,
    hint: hint(isInTheWay, unseen),
  }
}

function hint(isInTheWay: boolean, unseen: SessionFacts['unseen']): string {
  if (isInTheWay) return 'Wait for them, or end them; Bellows ends nobody.'
  return unseen.length > 0
    ? LIST_REACHABLE
    : 'Let this role see what others do: grant pg_read_all_stats to <role>'
}

function sentence(one: OldTransaction, column: string): string {
  const { pid, prepared, role, since, holds, standby } = one
  const began = since === null ? '' : ` since ${since}`
  if (standby !== undefined)
    return `the session ${pid} of "${role}" on ${standby} is in a transaction${began} on the table of ${column}; ${standby} would stand still behind it, and then cancel it`
  if (prepared !== null)
    return `the prepared transaction "${prepared}" of "${role}"${began} holds the table of ${column}`
  const what = holds ? `and has used the table of ${column}` : `and may use ${column}`
  return `the session ${pid} of "${role}" is in a transaction${began} ${what}`
}

function hiddenSentence(hidden: readonly OldTransaction[]): readonly string[] {
  if (hidden.length === 0) return []
  const roles = [...new Set(hidden.map(({ role }) => `"${role}"`))].join(', ')
  return [`${hidden.length} sessions of ${roles} do not show this role when their transactions began`]
}

function offender({ pid, prepared, role, application, address, since }: OldTransaction): Offender {
  return known<Offender>({
    who: prepared === null ? `the session ${pid}` : `the prepared transaction "${prepared}"`,
    application,
    role,
    address,
    pid,
    firstSeen: since,
    fix:
      prepared === null
        ? `wait, or end it: select pg_terminate_backend(${pid})`
        : `end it: rollback prepared ${lit(prepared)}; or: commit prepared ${lit(prepared)}`,
  })
}
