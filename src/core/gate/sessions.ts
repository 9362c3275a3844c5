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
}

/** E3: no session is left of an instance that used the column, and none of somebody unknown. */
export function sessionsCheck(column: string, strangers: readonly Stranger[], rules: GateRules): GateCheck {
  if (strangers.length === 0) return green('sessions', ['no session is of an unknown client'])
  const because = strangers.map((one) => sentence(one, column))
  const offenders = strangers.map(offender)
  if (rules.unregistered === 'allow') return green('sessions', because, offenders)
  const declare = strangers.find(({ instance }) => instance === null)
  return {
    check: 'sessions',
    state: 'red',
    code: 'gate_closed',
    because,
    offenders,
    hint:
      declare === undefined
        ? 'End what is left of them.'
        : `Have it register, or end it; of a client that does not need the column say so: bellows clients add <name> --role ${declare.role} --owner <who>, then bellows clients acknowledge <name>`,
  }
}

function sentence({ pid, role, application, address, instance }: Stranger, column: string): string {
  if (instance !== null)
    return `the instance "${instance}" was released, and its session ${pid} is still there; it used ${column}`
  const named = application === '' ? 'without an application_name' : `called "${application}"`
  const from = address === null ? '' : ` from ${address}`
  return `the session ${pid} of "${role}"${from}, ${named}, is of no registered instance; it may use ${column}`
}

function offender({ pid, role, application, address, since, instance }: Stranger): Offender {
  return known<Offender>({
    who: `the session ${pid}`,
    application,
    role,
    address,
    pid,
    firstSeen: since,
    fix:
      instance === null
        ? `bellows clients add <name> --role ${role} --owner <who>, or end it: select pg_terminate_backend(${pid})`
        : `select pg_terminate_backend(${pid})`,
  })
}
