import { horizonHolders } from '../../core/run/horizon-holders.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import { askedSql } from '../../core/throttle/asked.ts'
import type { SignalName, SignalsAsked } from '../../core/throttle/readings.ts'

/** All but the one for which the server is not enough. */
export type QueriedSignal = Exclude<SignalName, 'disk'>

/** Each as an expression of type json, readable as far as can be by a role without rights of its own. */
export const SIGNAL_QUERIES: { readonly [K in QueriedSignal]: (asked: SignalsAsked) => Sql } = {
  // What a role may not see of a standby is NULL. A backup replays nothing, and a subscriber has a slot.
  replicas: () => sql`
(select ${list({
    name: sql`coalesce(nullif(r.application_name, ''), pg_catalog.host(r.client_addr), 'pid ' || r.pid)`,
    isHidden: sql`r.state is null`,
    lagMs: sql`extract(epoch from r.replay_lag) * 1000`,
    lagBytes: sql`coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn), 0)`,
  })} from pg_catalog.pg_stat_replication r
    where (r.state is null or (r.state <> 'backup' and r.replay_lsn is not null))
      and not exists (select from pg_catalog.pg_replication_slots s where s.active_pid = r.pid and s.slot_type = 'logical'))`,

  slots: () => sql`
(select ${list({
    name: sql`slot_name`,
    keptBytes: sql`pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)`,
    safeBytes: sql`safe_wal_size`,
  })} from pg_catalog.pg_replication_slots where restart_lsn is not null and wal_status is distinct from 'lost')`,

  // Files that wait are counted by their names, which everybody may see. The name of a backup is of no use, and without a way to the archive none is emptied.
  archive: () => sql`
(select ${object({
    isFailing: sql`coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)`,
    failed: sql`last_failed_wal`,
    waiting: sql`${segment(sql`pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn())`)} - ${segment(sql`last_archived_wal`)} - 1`,
  })} from pg_catalog.pg_stat_archiver where pg_catalog.current_setting('archive_mode') <> 'off'
      and pg_catalog.concat(pg_catalog.current_setting('archive_command'), pg_catalog.current_setting('archive_library', true)) <> '')`,

  // To ask who is in whose way costs, so only those that have waited for a moment are.
  waits: () => sql`
(select ${list({ pid: sql`w.pid`, ms: sql`${sinceMs(sql`w.waitstart`)}` })}
    from (select pid, min(waitstart) as waitstart from pg_catalog.pg_locks
      where not granted and waitstart < pg_catalog.clock_timestamp() - interval '50 ms' group by pid) w
    join pg_catalog.pg_stat_activity a on a.pid = w.pid and not ${ours(sql`a`)}
    where exists (select from pg_catalog.pg_stat_activity o where o.pid = any (pg_catalog.pg_blocking_pids(w.pid)) and ${ours(sql`o`)}))`,

  // Whose table it is is hidden from ordinary roles, the lock that it holds is not.
  vacuum: (asked) => sql`
(select ${list({
    table: sql`c.relname`,
    preventsWraparound: sql`(pg_catalog.age(c.relfrozenxid) > pg_catalog.current_setting('autovacuum_freeze_max_age')::integer
        or pg_catalog.mxid_age(c.relminmxid) > pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::integer)`,
  })} from pg_catalog.pg_stat_progress_vacuum v
    join pg_catalog.pg_locks l on l.pid = v.pid and l.mode = 'ShareUpdateExclusiveLock' and l.granted and l.database = ${OWN_DATABASE}
    join pg_catalog.pg_class c on c.oid = l.relation and c.oid in (${tables(asked)}))`,

  // Where no vacuum comes by itself there is none to wait for.
  rows: (asked) => sql`
(select ${object({
    dead: sql`coalesce(sum(pg_catalog.pg_stat_get_dead_tuples(c.oid)), 0)`,
    live: sql`coalesce(sum(greatest(c.reltuples, pg_catalog.pg_stat_get_live_tuples(c.oid), 1)), 1)`,
  })} from pg_catalog.pg_class c where c.relkind in ('r', 'm', 'p') and c.oid in (${tables(asked)})
      and pg_catalog.current_setting('autovacuum')::boolean and not coalesce(c.reloptions, '{}') @> '{autovacuum_enabled=false}')`,

  // Of those that keep the same, one: the others are named when it is gone.
  horizon: () => sql`
(select coalesce(pg_catalog.json_agg(held), '[]') from (
    select * from (
      select distinct on (h.xmin::text) h.who, h.xmin::text as key, ${sinceMs(sql`h.since`)} as ms, pg_catalog.age(h.xmin) as age
        from (${horizonHolders()}) h where not exists (select from pg_catalog.pg_stat_activity a where a.pid = h.pid and ${ours(sql`a`)})
        order by h.xmin::text, h.since) oldest
      order by age desc limit 5) held)`,

  // What other roles do is hidden from ordinary ones, that they are in a transaction is not.
  backends: () => sql`
(select pg_catalog.to_json(count(*)) from pg_catalog.pg_stat_activity a
    where a.pid <> pg_catalog.pg_backend_pid() and a.usesysid is not null and not ${ours(sql`a`)}
      and case when a.backend_type is null then exists (select from pg_catalog.pg_locks v where v.pid = a.pid and v.locktype = 'virtualxid' and v.granted)
        else a.backend_type = 'client backend' and a.state = 'active' end)`,

  // NULL in a session that has not measured.
  commit: () =>
    sql`(select pg_catalog.to_json(nullif(pg_catalog.current_setting('bellows.commit_ms', true), '')::double precision))`,

  asked: ({ run }) => askedSql(run),
}

/**
 * Commits a lock of one row that nobody changes: the log is written and flushed as for any write, and no other reader of the log
 * sees anything of it. The server measures it, so that neither the network nor this process counts.
 */
export const COMMIT_ONCE = sql`do $$ declare
  began timestamptz;
begin
  perform pg_catalog.set_config('statement_timeout', '5000', false);
  perform from bellows.meta for share;
  began := pg_catalog.clock_timestamp();
  commit;
  perform pg_catalog.set_config('bellows.commit_ms', (extract(epoch from pg_catalog.clock_timestamp() - began) * 1000)::text, false);
end $$`

const OWN_DATABASE = sql`(select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`

/** All sessions of Bellows on a database are called so. */
function ours(activity: Sql): Sql {
  return sql`(${activity}.datid = ${OWN_DATABASE} and ${activity}.application_name ~ '^bellows(/|$)')`
}

/** With all partitions, by the catalog alone: pg_partition_tree() would lock each of them, and wait where somebody changes one. */
function tables({ table }: SignalsAsked): Sql {
  return sql`with recursive tree (relid) as (
      select pg_catalog.to_regclass(${lit(qualified(table))})::oid
      union select i.inhrelid from tree join pg_catalog.pg_inherits i on i.inhparent = tree.relid)
    select relid from tree`
}

function sinceMs(time: Sql): Sql {
  return sql`(extract(epoch from pg_catalog.clock_timestamp() - ${time}) * 1000)`
}

/** The number of a file of the log, by its name. NULL for another kind of file. */
function segment(file: Sql): Sql {
  const part = (from: number) => sql`('x' || substr(${file}, ${lit(from)}, 8))::bit(32)::bigint`
  return sql`case when ${file} ~ '^[0-9A-F]{24}$' then ${part(9)} * (4294967296 / pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))) + ${part(17)} end`
}

function object(fields: Readonly<Record<string, Sql>>): Sql {
  const pairs = Object.entries(fields).map(([name, value]) => sql`${lit(name)}, ${value}`)
  return sql`pg_catalog.json_build_object(${join(pairs)})`
}

function list(fields: Readonly<Record<string, Sql>>): Sql {
  return sql`coalesce(pg_catalog.json_agg(${object(fields)}), '[]')`
}
