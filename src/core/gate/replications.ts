import { id, lit } from '../sql.ts'
import { argument } from './argument.ts'
import { known, type Offender } from './check.ts'

/** Somebody who gets or sends rows by logical replication, and need not be connected. */
export interface Replication {
  /** A place in the log that is kept for whoever reads it, or what writes here what another database sends. */
  readonly kind: 'slot' | 'subscription'
  readonly name: string
  /** Of the session that reads by it now. */
  readonly role: string | null
  readonly application: string | null
  /** The standby whose log it is; absent on the primary. */
  readonly standby?: string
}

export function replicationSentence({ kind, name, standby, role }: Replication, column: string): string {
  const on = standby === undefined ? '' : ` on ${standby}`
  if (kind === 'subscription')
    return `the subscription "${name}" writes into the table of ${column}, and nobody has answered for whoever sends that`
  const now = role === null ? ', which is not connected now' : ''
  return `the replication slot "${name}"${on} is kept for a reader of the log${now}; it may need ${column}, and nobody has answered for it`
}

export function replicationOffender(one: Replication, migration: string): Offender {
  const { kind, name, role, application, standby } = one
  const drop =
    kind === 'subscription'
      ? `drop subscription ${id(name)}`
      : `select pg_drop_replication_slot(${lit(name)})`
  return known<Offender>({
    who: `the ${kind === 'slot' ? 'replication slot' : kind} "${name}"${standby === undefined ? '' : ` on ${standby}`}`,
    application,
    role,
    fix: `bellows clients add ${argument(name)} --application ${argument(name)} --owner <who>, then bellows clients acknowledge ${argument(name)} ${argument(migration)} --by <who>; or, if nobody needs it: ${drop}`,
  })
}
