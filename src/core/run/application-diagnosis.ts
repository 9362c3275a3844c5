import { type Finding, finding } from './diagnosis.ts'

/** A database as somebody reaches it. */
export interface Place {
  readonly database: string
  /** Of the database on its server. */
  readonly oid: string
  /** Of the cluster: a standby and a restored copy have it as well. */
  readonly system: string
  /** When the server began: no two servers of a cluster have that in common. */
  readonly startedAt: string
  readonly isStandby: boolean
  readonly role: string
}

/** What was seen of the way that an application takes to its database. */
export type ApplicationFacts = { readonly address: string } & (
  | { readonly unreachable: string }
  | (Reached & { readonly own: Place })
)

export interface Reached {
  readonly place: Place
  /** `swapped`: between two transactions a client gets the session of another. */
  readonly sessions: 'own' | 'swapped' | { readonly untried: string }
  /** Settings of `options` in the URL, and those of them that the sessions do not have. */
  readonly asked: { readonly options: readonly string[]; readonly lost: readonly string[] }
  /** A setting that is asked for as the session begins. */
  readonly options: 'arrive' | 'swallowed' | 'refused' | { readonly untried: string }
  /** `fixed`: the URL calls all sessions the same. */
  readonly name: 'arrives' | 'lost' | { readonly fixed: string } | { readonly untried: string }
  readonly registry: 'usable' | 'missing' | { readonly denied: string } | { readonly untried: string }
  readonly prepared: 'work' | { readonly fail: string } | { readonly untried: string }
}

/** Every check with its verdict, what is fine included. */
export function diagnoseApplication(facts: ApplicationFacts): readonly Finding[] {
  if ('unreachable' in facts) return [unreachable(facts.address, facts.unreachable)]
  return [
    place(facts.address, facts.place, facts.own),
    pooler(facts),
    options(facts),
    name(facts),
    // A standby takes no registration; that it is one is said already.
    ...(facts.place.isStandby ? [] : [registering(facts)]),
    prepared(facts),
  ]
}

function unreachable(address: string, why: string): Finding {
  const isOption = why.includes('startup parameter')
  return finding('application', `${address} lets nobody in: ${why}`, {
    verdict: 'failed',
    hint: isOption
      ? 'A pooler refuses what the URL asks for as a session begins. Take it out of the URL, and set it for the role: alter role <role> set search_path = …'
      : 'Check the address, the role and its password, and that it can be reached from here.',
  })
}

function place(address: string, there: Place, own: Place): Finding {
  const who = `${address} as "${there.role}"`
  const isSame = there.startedAt === own.startedAt && there.system === own.system && there.oid === own.oid
  if (isSame) return finding('application', `${who} reaches this database`)
  if (there.isStandby && there.system === own.system)
    return finding('application', `${who} reaches a standby of this server`, {
      verdict: 'warning',
      hint: 'List it, so that what reads there counts: standbys: in bellows.config.yaml, or --standby.',
    })
  const what =
    there.startedAt === own.startedAt
      ? `the database "${there.database}" of this server`
      : `another server, database "${there.database}"`
  return finding('application', `${who} reaches ${what}; Bellows works on "${own.database}"`, {
    verdict: 'failed',
    hint: 'Instances would register where Bellows does not look. Correct one of the two URLs.',
  })
}

function pooler({ sessions }: Reached): Finding {
  if (sessions === 'own') return finding('sessions', 'each client keeps its own')
  if (sessions === 'swapped')
    return finding('sessions', 'a pooler passes them from client to client between transactions', {
      verdict: 'warning',
      hint: 'Names of sessions tell little then, and a client that is idle has none: give each version a login role of its own (docs/instances.md, "Poolers"). SET, LISTEN and session locks do not hold.',
    })
  return untried('sessions', sessions.untried)
}

const FOR_THE_ROLE = 'Set it for the login role instead: alter role <role> set search_path = …'

function options({ asked, options: seen }: Reached): Finding {
  const check = 'startup options'
  if (asked.lost.length > 0)
    return finding(check, `the URL asks for ${asked.lost.join(', ')}, and the session does not have it`, {
      verdict: 'failed',
      hint: FOR_THE_ROLE,
    })
  if (asked.options.length > 0) return finding(check, 'what the URL asks for arrives')
  if (seen === 'arrive') return finding(check, 'arrive')
  if (typeof seen === 'object') return untried(check, seen.untried)
  const because =
    seen === 'refused'
      ? 'a pooler refuses those that it does not know: a URL that asks for one lets nobody in'
      : 'a pooler swallows them: a search_path in the URL would come to nothing, without an error'
  return finding(check, because, { verdict: 'warning', hint: FOR_THE_ROLE })
}

function name({ name: seen }: Reached): Finding {
  const check = 'application_name'
  if (seen === 'arrives') return finding(check, 'arrives')
  if (seen === 'lost')
    return finding(check, 'is not what the client calls itself: no session can be told from another', {
      verdict: 'warning',
      hint: 'Register without it, and give each version a login role of its own (docs/instances.md, "Poolers").',
    })
  if ('untried' in seen) return untried(check, seen.untried)
  return finding(check, `the URL calls every session "${seen.fixed}"`, {
    verdict: 'warning',
    hint: 'Leave it out of the URL: announce() names the sessions of each instance, so that they can be told apart.',
  })
}

function registering({ registry, place: { role } }: Reached): Finding {
  const check = 'registering'
  if (registry === 'usable')
    return finding(check, `"${role}" may register, renew and release; the dual write asks it for no right`)
  if (registry === 'missing')
    return finding(check, 'there is no registry yet', { verdict: 'warning', hint: 'Make it: bellows init' })
  if ('untried' in registry) return untried(check, registry.untried)
  return finding(check, `"${role}" may not: ${registry.denied}`, {
    verdict: 'failed',
    hint: `grant usage on schema bellows to ${role}; grant execute on function bellows.register, bellows.renew, bellows.release to ${role}`,
  })
}

function prepared({ prepared: seen }: Reached): Finding {
  const check = 'prepared statements'
  if (seen === 'work') return finding(check, 'by name work')
  if ('untried' in seen) return untried(check, seen.untried)
  return finding(check, `by name fail: ${seen.fail}`, {
    verdict: 'warning',
    hint: 'Let the driver name none (postgres.js: prepare: false; Prisma: ?pgbouncer=true; asyncpg: statement_cache_size=0; JDBC: prepareThreshold=0), or use PgBouncer 1.21 or newer.',
  })
}

function untried(check: string, why: string): Finding {
  return finding(check, `could not be tried: ${why}`, {
    verdict: 'warning',
    hint: 'Try again when the pooler has sessions to spare.',
  })
}
