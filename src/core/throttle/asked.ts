import { lit, type Sql, sql } from '../sql.ts'
import type { Hold } from './limits.ts'
import type { Asked } from './readings.ts'
import { percent } from './words.ts'

/** An expression: what somebody has asked of a run by "bellows throttle", as `Asked`; null where that is nothing, or over. */
export function askedSql(run: number): Sql {
  return sql`
(select pg_catalog.json_build_object('share', share, 'workers', workers, 'by', coalesce(actor ->> 'user', by_role), 'reason', reason, 'until', until)
    from (select * from bellows.throttle where run = ${lit(run)} order by seq desc limit 1) t
    where until is null or until > pg_catalog.clock_timestamp())`
}

/** A pause, or a smaller share of the time. */
export function askedHolds(asked: Asked | null): readonly Hold[] {
  if (asked === null || asked.share >= 1) return []
  const { share, by, reason, until } = asked
  const what = share === 0 ? 'paused' : `held to ${percent(share)}`
  const end = until === null ? '' : ` until ${until}`
  return [{ share, because: `${what} by ${by}${end}${reason === null ? '' : `: ${reason}`}` }]
}
