import { type Sql, sql } from '../sql.ts'

/**
 * Who sees what was before in this database, and who writes in any, each with the oldest transaction that may be in its way: a snapshot leaves
 * room for all that were under way when it was taken. A vacuum has one, too, and holds nothing back by it. The standbys' feedback is a
 * slot's, where they have one. Columns: `who` for people, `xmin`, `since` where the role may know it, `pid` of a session.
 */
export function horizonHolders(): Sql {
  return sql`
  select pg_catalog.format('pid %s (%s, user %s)', a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '?'), coalesce(a.usename, '?')) as who,
      coalesce(a.backend_xmin, a.backend_xid) as xmin, a.xact_start as since, a.pid
    from pg_catalog.pg_stat_activity a
    where (a.datname = pg_catalog.current_database() or a.backend_type = 'walsender' or a.backend_xid is not null)
      and a.pid <> pg_catalog.pg_backend_pid() and coalesce(a.backend_xmin, a.backend_xid) is not null
      and not exists (select from pg_catalog.pg_stat_progress_vacuum v where v.pid = a.pid)
  union all
  select pg_catalog.format('the prepared transaction %L', gid), transaction, prepared, null from pg_catalog.pg_prepared_xacts
  union all
  select pg_catalog.format('the replication slot "%s"', slot_name), xmin, null, null from pg_catalog.pg_replication_slots where xmin is not null`
}

export function heldBack(by: string): string {
  return `${by} keeps dead versions of rows from being pruned`
}
