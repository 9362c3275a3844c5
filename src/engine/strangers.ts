import { messageOf } from '../core/errors.ts'
import type { SessionFacts, Stranger } from '../core/gate/sessions.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { columnArguments, type Gated } from './gated.ts'
import type { Standby } from './ports.ts'

/** Sessions that keep a column from going, on the primary and on every listed standby. */
export async function readSessions(
  { database, standbys }: Pick<Engine, 'database' | 'standbys'>,
  of: Gated,
): Promise<SessionFacts> {
  const strangers = (sessions: Sql) =>
    database.read<Stranger>(sql`
select pid, role, application, address, since, instance, old_role as "ofOldRole"
  from bellows.strangers(${columnArguments(of)}${sessions})`)
  const others = await Promise.all(standbys.map(sessionsOn))
  const onStandbys = await Promise.all(
    others.map(async (one) => {
      if ('why' in one) return []
      const found = await strangers(sql`, ${lit(JSON.stringify(one.sessions))}`)
      return found.map((stranger) => ({ ...stranger, standby: one.standby }))
    }),
  )
  return {
    strangers: [...(await strangers(sql``)), ...onStandbys.flat()],
    unseen: others.flatMap((one) => ('why' in one ? [one] : [])),
  }
}

type Sessions = { readonly standby: string } & ({ readonly sessions: unknown } | { readonly why: string })

async function sessionsOn({ name, read }: Standby): Promise<Sessions> {
  try {
    return { standby: name, sessions: await read(sql`select * from bellows.client_sessions()`) }
  } catch (error) {
    return { standby: name, why: messageOf(error) }
  }
}
