import { argument } from './argument.ts'
import { type GateCheck, green, known, type Offender } from './check.ts'

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

/** E7: the owner of every declared client has said that it does not need what goes. */
export function clientsCheck(
  column: string,
  clients: readonly DeclaredClient[],
  migration: string,
): GateCheck {
  const open = clients.filter(({ acknowledged }) => acknowledged === null)
  if (open.length > 0) {
    return {
      check: 'clients',
      state: 'red',
      code: 'gate_closed',
      because: open.map(
        ({ client, owner }) => `"${owner}" has not said that the client "${client}" does without ${column}`,
      ),
      offenders: open.map((one) => offender(one, migration)),
      hint: `Ask its owner, then say so: ${acknowledge(open[0]?.client ?? '', migration)}`,
    }
  }
  const said = clients.flatMap(({ client, acknowledged }) =>
    acknowledged === null
      ? []
      : [`"${acknowledged.by}" answered for the client "${client}" on ${acknowledged.at}`],
  )
  return green('clients', said.length === 0 ? ['no client is declared'] : said)
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
