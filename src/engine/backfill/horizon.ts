import { lit, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Engine } from '../context.ts'

/** What a look at the horizon found. */
export interface Horizon {
  /** Whoever keeps row versions from being pruned that are dead for everybody else. */
  readonly heldBy: string | null
  /** The transaction that was next at the time. */
  readonly next: number
}

/**
 * Does somebody see the table as it was before, and for how long? Of a transaction the server tells when it began, if this role may know;
 * of others it counts what has happened since: whoever is behind the look before this one has been in the way all along.
 * @param before of the look before this one
 */
export async function horizon(engine: Engine, before: Horizon | undefined): Promise<Horizon> {
  const [found] = await engine.database.read<Horizon>(sql`
select next, (select who from (${holders()}) h
    where coalesce(since < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(engine.settings.batch.horizonMs / 1000)}),
      pg_catalog.age(xmin) > next - ${before === undefined ? sql`null::bigint` : lit(before.next)})
    order by pg_catalog.age(xmin) desc limit 1) as ${trusted('"heldBy"')}
  from (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as next) now`)
  return found ?? { heldBy: null, next: 0 }
}

/**
 * Who sees what was before in this database, and who writes in any: a snapshot leaves room for all that were under way when it was taken.
 * A vacuum has one, too, and holds nothing back by it.
 */
function holders(): Sql {
  const here = sql`pg_catalog.current_database()`
  return sql`
  select pg_catalog.format('pid %s (%s, user %s)', a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '?'), coalesce(a.usename, '?')) as who,
      coalesce(a.backend_xmin, a.backend_xid) as xmin, a.xact_start as since
    from pg_catalog.pg_stat_activity a
    where (a.datname = ${here} or a.backend_type = 'walsender' or a.backend_xid is not null) and a.pid <> pg_catalog.pg_backend_pid() and coalesce(a.backend_xmin, a.backend_xid) is not null
      and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
  union all
  select pg_catalog.format('the prepared transaction %L', gid), transaction, prepared from pg_catalog.pg_prepared_xacts
  union all
  select pg_catalog.format('the replication slot "%s"', slot_name), xmin, null from pg_catalog.pg_replication_slots where xmin is not null`
}
