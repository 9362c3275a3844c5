import { id } from '../sql.ts'
import { argument } from './argument.ts'
import { type GateCheck, type GateRules, green, known, type Offender } from './check.ts'

/** A session that may use the column and is of no instance that is known to do without it. */
export interface Stranger {
  readonly pid: number
  readonly role: string
  readonly application: string
  /** Absent for a local socket, and where this role may not see it. */
  readonly address: string | null
  readonly since: string | null
  /** The instance that said it was gone, and whose session this is. */
  readonly instance: string | null
  /** Is it of a role that only instances which use the column log in with? */
  readonly ofOldRole: boolean
  /** The standby that it is on; absent on the primary. */
  readonly standby?: string
}

export interface SessionFacts {
  readonly strangers: readonly Stranger[]
  /** Standbys whose sessions could not be read. */
  readonly unseen: readonly { readonly standby: string; readonly why: string }[]
}

/** E3: no session is left of an instance or a role that used the column, and none of somebody unknown, on any server. */
export function sessionsCheck(
  column: string,
  { strangers, unseen }: SessionFacts,
  rules: GateRules,
): GateCheck {
  if (strangers.length === 0 && unseen.length === 0)
    return green('sessions', ['no session is of an unknown client'])
  const because = [
    ...strangers.map((one) => sentence(one, column)),
    ...unseen.map(({ standby, why }) => `the sessions on ${standby} are not known: ${why}`),
  ]
  const offenders = strangers.map(offender)
  if (rules.unregistered === 'allow') return green('sessions', because, offenders)
  return {
    check: 'sessions',
    state: strangers.length > 0 ? 'red' : 'unknown',
    code: 'gate_closed',
    because,
    offenders,
    hint: hint(strangers),
  }
}

function sentence(one: Stranger, column: string): string {
  const { pid, role, application, address, instance, ofOldRole, standby } = one
  const on = standby === undefined ? '' : ` on ${standby}`
  if (instance !== null)
    return `the instance "${instance}" was released, and its session ${pid}${on} is still there; it used ${column}`
  const named = application === '' ? 'without an application_name' : `called "${application}"`
  const from = address === null ? '' : ` from ${address}`
  const session = `the session ${pid} of "${role}"${from}${on}, ${named},`
  return ofOldRole
    ? `${session} is of the old version: only instances that use ${column} log in as "${role}"`
    : `${session} is of no registered instance; it may use ${column}`
}

/** What to do about a standby that does not answer. */
export const LIST_REACHABLE = 'List only standbys that can be reached from here.'

function hint(strangers: readonly Stranger[]): string {
  const old = strangers.find(({ ofOldRole }) => ofOldRole)
  if (old !== undefined)
    return `Stop whatever logs in as "${old.role}", and let a pooler close what it keeps open (PgBouncer: RECONNECT). To be sure that nobody comes back: alter role ${id(old.role)} nologin`
  const declare = strangers.find(({ instance }) => instance === null)
  if (declare !== undefined)
    return `Have it register, or end it; of a client that does not need the column say so: bellows clients add <name> --role ${argument(declare.role)} --owner <who>, then bellows clients acknowledge <name>`
  return strangers.length > 0 ? 'End what is left of them.' : LIST_REACHABLE
}

function offender({ pid, role, application, address, since, standby, ...one }: Stranger): Offender {
  const end = `${standby === undefined ? '' : 'on the standby: '}select pg_terminate_backend(${pid})`
  const isUnknown = one.instance === null && !one.ofOldRole
  return known<Offender>({
    who: `the session ${pid}${standby === undefined ? '' : ` on ${standby}`}`,
    application,
    role,
    address,
    pid,
    firstSeen: since,
    fix: isUnknown
      ? `bellows clients add <name> --role ${argument(role)} --owner <who>, or end it: ${end}`
      : end,
  })
}
