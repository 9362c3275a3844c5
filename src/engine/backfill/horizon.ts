import { horizonHolders } from '../../core/run/horizon-holders.ts'
import { lit, sql, trusted } from '../../core/sql.ts'
import type { Engine } from '../context.ts'

/** What a look at the horizon found. */
export interface Horizon {
  /** Whoever keeps row versions from being pruned that are dead for everybody else. */
  readonly heldBy: string | null
  /** The transaction that was next at the time. */
  readonly next: number
  /** By the clock of the database. */
  readonly atMs: number
}

/**
 * Does somebody see the table as it was before, and for how long? Of a transaction the server tells when it began, if this role may know;
 * of others it counts what has happened since: whoever is behind a look that is as old as that has been in the way all along.
 */
export async function horizon(engine: Engine, looks: readonly Horizon[]): Promise<Horizon> {
  const { horizonMs } = engine.settings.batch
  const before = looks.findLast(({ atMs }) => atMs <= (looks.at(-1)?.atMs ?? 0) - horizonMs)
  const [found] = await engine.database.read<Horizon>(sql`
select next, extract(epoch from pg_catalog.clock_timestamp()) * 1000 as ${trusted('"atMs"')}, (select who from (${horizonHolders()}) h
    where coalesce(since < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(horizonMs / 1000)}),
      pg_catalog.age(xmin) > next - ${before === undefined ? sql`null::bigint` : lit(before.next)})
    order by pg_catalog.age(xmin) desc limit 1) as ${trusted('"heldBy"')}
  from (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as next) now`)
  return found ?? { heldBy: null, next: 0, atMs: 0 }
}
