import { countedOf } from '../core/gate/counted.ts'
import type { OldWrite, UsageFacts } from '../core/gate/watch.ts'
import { countSql } from '../core/plan/counter.ts'
import { relationAbsent } from '../core/plan/probes.ts'
import { asksProbe } from '../core/plan/view-probe.ts'
import { id, lit, type Sql, sql } from '../core/sql.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'

const SHOWN = 20

/** What is counted of the use of something that leaves, since the steps of expand were all done. */
export async function readCounted(
  { database }: Engine,
  run: number,
  of: Gated,
): Promise<Pick<UsageFacts, 'counted' | 'writes' | 'uncounted'>> {
  const { counter } = of
  if (counter === undefined) return {}
  const counted = countedOf(of)
  const table = sql`bellows.${id(counter)}`
  const [there] = await database.read<{ table: boolean; counts: boolean }>(
    sql`select pg_catalog.to_regclass(${lit(table)}) is not null as table, ${countsSql(of, counter)} as counts`,
  )
  if (there?.table !== true) return { counted, uncounted: `${table} is gone` }
  if (!there.counts) return { counted, uncounted: silent(of, table) }
  const [found] = await database.read<{ count: number; countedSinceMs: number | null }>(sql`
select ${countSql(counter)} as count, (select max(extract(epoch from at)) * 1000 from bellows.event
    where run = ${lit(run)} and event ->> 'type' = 'step_done' and event ->> 'step' like '%/expand/%') as "countedSinceMs"`)
  const last = await database.read<OldWrite>(sql`
select role, application, pg_catalog.host(address) as address, (pg_catalog.array_agg(pid order by at desc))[1] as pid,
    min(at) as "firstSeen", max(at) as "lastSeen", extract(epoch from max(at)) * 1000 as "lastSeenMs"
  from ${table} where at > (select max(at) from ${table}) - interval '1 hour'
  group by role, application, address order by max(at) desc limit ${lit(SHOWN)}`)
  return { counted, writes: { count: found?.count ?? 0, countedSinceMs: found?.countedSinceMs ?? 0, last } }
}

/** Triggers that somebody may have switched off; or a view of which somebody may have made another one. */
export function countsSql(of: Gated, counter: string): Sql {
  // One that is gone nobody uses.
  const counted = countedOf(of)
  if (counted === 'uses') return sql`(${relationAbsent(of.table)} or ${asksProbe(of.table, counter)})`
  return sql`(select count(*) filter (where tgparentid = 0)
      * case when pg_catalog.bool_and(tgenabled = 'A') then 1 else 0 end >= ${lit(TRIGGERS[counted])} from pg_catalog.pg_trigger
    where tgfoid = pg_catalog.to_regproc(${lit(`bellows.${id(counter)}`)}))`
}

/** One for UPDATE, and mostly one for INSERT. A partitioned table has them on each partition, too, and none may be switched off. */
const TRIGGERS = { writes: 2, changes: 1 } as const

function silent(of: Gated, function_: Sql): string {
  return countedOf(of) === 'uses'
    ? `the view does not call ${function_} any more`
    : `a trigger that calls ${function_} is missing or switched off`
}
