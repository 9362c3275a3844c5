import { messageOf } from '../core/errors.ts'
import type { SessionFacts, Stranger } from '../core/gate/sessions.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { besideArgument, columnArguments, type Gated } from './gated.ts'
import type { Standby } from './ports.ts'

/** Sessions that keep a column from going, on the primary and on every listed standby, those of which were read before. */
export async function readSessions(
  { database }: Pick<Engine, 'database'>,
  of: Gated,
  staying: string | undefined,
  others: readonly StandbySessions[],
): Promise<SessionFacts> {
  const strangers = (sessions: Sql) =>
    database.read<Stranger>(sql`
select pid, role, application, address, since, instance, old_role as "ofOldRole"
  from bellows.strangers(${columnArguments(of)}${sessions}${besideArgument(of, staying)})`)
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

/** Every client of a standby, or why it could not be asked. */
export type StandbySessions = { readonly standby: string } & (
  | { readonly sessions: readonly { readonly application: string }[] }
  | { readonly why: string }
)

export async function readStandbySessions(standbys: readonly Standby[]): Promise<readonly StandbySessions[]> {
  return await Promise.all(standbys.map(sessionsOn))
}

/** What the sessions on all standbys call themselves, each name once. */
export function namesOn(standbys: readonly StandbySessions[]): readonly string[] {
  return [
    ...new Set(
      standbys.flatMap((one) => ('why' in one ? [] : one.sessions.map(({ application }) => application))),
    ),
  ]
}

async function sessionsOn({ name, read }: Standby): Promise<StandbySessions> {
  try {
    return { standby: name, sessions: await read(sql`select * from bellows.client_sessions()`) }
  } catch (error) {
    return { standby: name, why: messageOf(error) }
  }
}
