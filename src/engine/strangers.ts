import type { SessionFacts, Stranger } from '../core/gate/sessions.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import { besideArgument, columnArguments, type Gated } from './gated.ts'
import type { OnStandby } from './on-standbys.ts'

/** Sessions that keep a column from going, on the primary and on every listed standby, those of which were read before. */
export async function readSessions(
  { database }: Pick<Engine, 'database'>,
  of: Gated,
  staying: string | undefined,
  standbys: readonly OnStandby[],
): Promise<SessionFacts> {
  const strangers = (sessions: Sql) =>
    database.read<Stranger>(sql`
select pid, role, application, address, since, instance, old_role as "ofOldRole"
  from bellows.strangers(${columnArguments(of)}${sessions}${besideArgument(of, staying)})`)
  const onStandbys = await Promise.all(
    standbys.map(async (one) => {
      if ('why' in one) return []
      const found = await strangers(sql`, ${lit(JSON.stringify(one.sessions))}`)
      return found.map((stranger) => ({ ...stranger, standby: one.standby }))
    }),
  )
  return {
    strangers: [...(await strangers(sql``)), ...onStandbys.flat()],
    unseen: standbys.flatMap((one) => ('why' in one ? [one] : [])),
  }
}
