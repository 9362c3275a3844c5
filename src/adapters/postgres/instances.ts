import type { Instance, Registered, Registration } from '../../core/gate/instance.ts'
import type { Needing } from '../../core/gate/leases.ts'
import { columnKey } from '../../core/plan/column-state.ts'
import { lit, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Instances } from '../../engine/ports.ts'
import type { Sessions } from './sessions.ts'

/** The registry, through the same SQL functions that applications in any language call. */
export function postgresInstances(sessions: Sessions): Instances {
  const answered = async (call: Sql): Promise<Registered> => {
    const [row] = await sessions.read<{
      answer: { instance: string; lease_ms: number; not_ready?: string[] }
    }>(sql`select ${call} as answer`)
    const answer = row?.answer
    return {
      instance: answer?.instance ?? '',
      leaseMs: answer?.lease_ms ?? 0,
      notReady: answer?.not_ready ?? [],
    }
  }
  return {
    register: (registration) => answered(registerCall(registration)),
    renew: (instance, uses, health) =>
      answered(
        sql`bellows.renew(${lit(instance)}, ${uses === undefined ? lit(null) : texts(uses)}, ${lit(health ?? null)})`,
      ),
    release: async (instance) => {
      await sessions.send(sql`select bellows.release(${lit(instance)})`)
    },
    releaseByHand: async (instance, { actor, reason = null }) => {
      const call = sql`bellows.release_by_hand(${lit(instance)}, ${lit(reason)}, ${lit(JSON.stringify(actor))})`
      const [rows = []] = await sessions.send(sql`select ${call} as released`)
      return rows[0]?.released === 't'
    },
    list: () =>
      sessions.read<Instance>(sql`
select i.instance, i.application, i.version, i.kind, i.host, coalesce(u.uses, '[]') as uses,
    case when i.released_at is not null then 'released' when over.ms < 0 then 'live' else 'silent' end as state,
    (over.ms + i.lease_ms)::bigint as ${trusted('"lastSeenMsAgo"')}
  from bellows.instance i
  cross join lateral (select extract(epoch from pg_catalog.clock_timestamp() - i.renewed_at) * 1000 - i.lease_ms as ms) over
  left join lateral (
    select pg_catalog.jsonb_agg(case u.namespace when 'public' then '' else u.namespace || '.' end || u."table" || '.' || coalesce(nullif(u."column", ''), '*')
        order by u.namespace, u."table", u."column") as uses
      from bellows.instance_use u where u.instance = i.instance) u on true
  where i.lived_as is null
  order by i.instance`),
    needing: (table, column, { graceMs, elsewhere = [], beside }) =>
      sessions.read<Needing>(
        sql`
select instance, state, blocks, application, version, host, role, address, pid, first_seen as "firstSeen", last_seen as "lastSeen"
  from bellows.needing(${columnKey(table, column)}, ${lit(graceMs)}, ${texts(elsewhere)}${beside === undefined ? sql`` : sql`, ${lit(beside)}`})`,
      ),
  }
}

function registerCall({ instance, uses, leaseMs, ...known }: Registration): Sql {
  const lease = leaseMs === undefined ? sql`` : sql`, lease_ms => ${lit(leaseMs)}`
  const { application = null, applicationName = null, version = null, kind = null, host = null } = known
  return sql`bellows.register(${lit(instance)}, ${texts(uses)}, application => ${lit(application)}, application_name => ${lit(applicationName)},
    version => ${lit(version)}, kind => ${lit(kind)}, host => ${lit(host)}${lease})`
}

function texts(values: readonly string[]): Sql {
  return sql`array[${trusted(values.map((value) => lit(value)).join(', '))}]::text[]`
}
