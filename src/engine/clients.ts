import { BellowsError } from '../core/errors.ts'
import type { DeclaredClient } from '../core/gate/clients.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'

/** A client that does not register: a report, an export, a replication. */
export interface Client {
  readonly client: string
  /** How its sessions are told: by the role that it logs in with, by what it calls itself, or by both. */
  readonly role?: string
  readonly applicationName?: string
  /** Who answers for it. */
  readonly owner: string
}

export interface Acknowledgement {
  readonly client: string
  /** Id of the run whose column the client does without; absent: it never needs any. */
  readonly run?: number
  /** Who says so. */
  readonly by: string
}

/** Clients that do not register, and who answers for them. */
export interface Clients {
  /** Declares a client, or changes what was declared. What was acknowledged stays, unless other sessions are its own now. */
  declare(client: Client): Promise<void>
  /** @throws BellowsError `client_unknown` */
  acknowledge(acknowledgement: Acknowledgement): Promise<void>
  /** @throws BellowsError `client_unknown` */
  forget(client: string): Promise<void>
  /** With whether each has been acknowledged for a run; without one, for all runs. */
  list(run?: number): Promise<readonly DeclaredClient[]>
}

export function clientsOf(engine: Engine): Clients {
  const { database, journal } = engine
  const mustBeThere = async (client: string): Promise<void> => {
    await journal.install()
    if ((await declaredClients(engine, undefined)).some((one) => one.client === client)) return
    throw new BellowsError('client_unknown', `No client "${client}" is declared.`, {
      hint: 'See "bellows clients", or declare it: bellows clients add <name> --role <role> --owner <who>',
    })
  }
  return {
    declare: async (client) => {
      await journal.install()
      await database.write(declareSql(client))
    },
    acknowledge: async ({ client, run, by }) => {
      await mustBeThere(client)
      await database.write(
        sql`insert into bellows.acknowledgement (client, run, by) values (${lit(client)}, ${lit(run ?? null)}, ${lit(by)})`,
      )
    },
    forget: async (client) => {
      await mustBeThere(client)
      await database.write(sql`delete from bellows.client where client = ${lit(client)}`)
    },
    list: async (run) => ((await journal.isInstalled()) ? declaredClients(engine, run) : []),
  }
}

/** Nobody has answered for the sessions that a client comes by later. */
function declareSql({ client, role, applicationName, owner }: Client): Sql {
  const told = sql`(${lit(role ?? null)}::text, ${lit(applicationName ?? null)}::text)`
  return sql`with answered as (delete from bellows.acknowledgement a using bellows.client c
    where a.client = c.client and c.client = ${lit(client)} and (c.role, c.application_name) is distinct from ${told})
insert into bellows.client (client, role, application_name, owner)
 values (${lit(client)}, ${lit(role ?? null)}, ${lit(applicationName ?? null)}, ${lit(owner)})
 on conflict (client) do update set role = excluded.role, application_name = excluded.application_name, owner = excluded.owner`
}

export async function declaredClients(
  { database }: Engine,
  run: number | undefined,
): Promise<readonly DeclaredClient[]> {
  return await database.read<DeclaredClient>(sql`
select c.client, c.role, c.application_name as "applicationName", c.owner, c.declared_at as "declaredAt",
    (select pg_catalog.json_build_object('by', a.by, 'at', a.at) from bellows.acknowledgement a
      where a.client = c.client and (a.run is null or a.run = ${lit(run ?? null)}) order by a.at desc limit 1) as acknowledged
  from bellows.client c order by c.client`)
}
