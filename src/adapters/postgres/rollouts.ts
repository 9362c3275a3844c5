import type { RolloutHistory } from '../../core/rollout/begin.ts'
import type { RolloutLook } from '../../core/rollout/decide.ts'
import { lit, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Rollouts } from '../../engine/ports.ts'
import type { Sessions } from './sessions.ts'

/** What rollout.sql and the events of a run keep of rolling deployments. */
export function postgresRollouts(sessions: Sessions): Rollouts {
  return {
    look: async (run, after) => {
      const [look] = await sessions.read<RolloutLook>(lookSql(run, after))
      return look ?? { nowMs: 0, entries: [], requests: [] }
    },
    history: () =>
      sessions.read<RolloutHistory[number]>(sql`
select run, seq, ${ms(sql`at`)} as ${trusted('"atMs"')}, event -> 'event' as event
  from bellows.event where event #>> '{event,kind}' in ('rollout_started', 'ended') order by seq`),
    ask: async (run, request) => {
      await sessions.send(sql`select bellows.ask_rollout(${lit(run)}, ${lit(request)})`)
    },
  }
}

/** One round trip, as it is asked every second or so. */
function lookSql(run: number, after: { readonly entry: number; readonly request: number }): Sql {
  return sql`
select ${ms(sql`pg_catalog.clock_timestamp()`)} as ${trusted('"nowMs"')},
  (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('seq', seq, 'atMs', ${ms(sql`at`)}, 'event', event -> 'event') order by seq), '[]')
    from bellows.event where run = ${lit(run)} and seq > ${lit(after.entry)} and event ->> 'type' = 'rollout') as entries,
  (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('seq', seq, 'by', by_role, 'request', request) order by seq), '[]')
    from bellows.rollout_request where run = ${lit(run)} and seq > ${lit(after.request)}) as requests`
}

function ms(time: Sql): Sql {
  return sql`(extract(epoch from ${time}) * 1000)::bigint`
}
