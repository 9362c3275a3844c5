import { argument } from './argument.ts'
import { type GateCheck, type GateRules, green, known, type Offender } from './check.ts'
import { type Replication, replicationOffender, replicationSentence } from './replications.ts'

/** A client that does not register, and that somebody has declared. */
export interface DeclaredClient {
  readonly client: string
  readonly role: string | null
  readonly applicationName: string | null
  readonly owner: string
  readonly declaredAt: string
  /** Who has said that it does not need what goes, and when. */
  readonly acknowledged: { readonly by: string; readonly at: string } | null
}

export interface ClientFacts {
  readonly clients: readonly DeclaredClient[]
  readonly replications: readonly Replication[]
  readonly migration: string
}

/**
 * E7: the owner of every declared client has said that it does not need what goes, and whoever takes part in logical replication is
 * declared, connected or not.
 */
export function clientsCheck(
  column: string,
  { clients, replications, migration }: ClientFacts,
  rules: GateRules,
): GateCheck {
  const open = clients.filter(({ acknowledged }) => acknowledged === null)
  const unknown = unanswered(replications, clients)
  const named = unknown.map((one) => replicationSentence(one, column))
  const replicating = unknown.map((one) => replicationOffender(one, migration))
  if (open.length > 0 || (unknown.length > 0 && rules.unregistered === 'refuse')) {
    const [first] = open
    return {
      check: 'clients',
      state: 'red',
      code: 'gate_closed',
      because: [
        ...open.map(
          ({ client, owner }) => `"${owner}" has not said that the client "${client}" does without ${column}`,
        ),
        ...named,
      ],
      offenders: [...open.map((one) => offender(one, migration)), ...replicating],
      hint:
        first === undefined
          ? 'Ask whoever replicates, then declare it under that name, and acknowledge it.'
          : `Ask its owner, then say so: ${acknowledge(first.client, migration)}`,
    }
  }
  const said = clients.flatMap(({ client, acknowledged }) =>
    acknowledged === null
      ? []
      : [`"${acknowledged.by}" answered for the client "${client}" on ${acknowledged.at}`],
  )
  return green(
    'clients',
    said.length + named.length === 0 ? ['no client is declared'] : [...said, ...named],
    replicating,
  )
}

/** Those that no declared client stands for: one that is called so, or whose session it is. */
function unanswered(
  replications: readonly Replication[],
  clients: readonly DeclaredClient[],
): readonly Replication[] {
  return replications.filter((one) => !clients.some((client) => standsFor(client, one)))
}

function standsFor({ client, role, applicationName }: DeclaredClient, one: Replication): boolean {
  const isSession = one.role !== null || one.application !== null
  return (
    [client, applicationName].includes(one.name) ||
    (isSession && (role ?? one.role) === one.role && (applicationName ?? one.application) === one.application)
  )
}

function offender(one: DeclaredClient, migration: string): Offender {
  const { client, role, applicationName, declaredAt } = one
  return known<Offender>({
    who: `the client "${client}"`,
    application: applicationName,
    role,
    firstSeen: declaredAt,
    fix: acknowledge(client, migration),
  })
}

function acknowledge(client: string, migration: string): string {
  return `bellows clients acknowledge ${argument(client)} ${argument(migration)} --by <who>`
}
