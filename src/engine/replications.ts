import type { Replication } from '../core/gate/replications.ts'
import { lit, regclass, type Sql, sql } from '../core/sql.ts'
import type { Gated } from './gated.ts'
import type { Standby } from './ports.ts'

/**
 * Who takes part in logical replication of a table, connected or not: whoever a slot of that server is kept for, and what writes into it
 * what another database sends. What is on no table is in no log; what is on one and not in its log matters only to what writes.
 */
export async function readReplications(
  server: Pick<Standby, 'read'>,
  { table, thing }: Gated,
): Promise<readonly Replication[]> {
  if (table.name === '') return []
  return await server.read<Replication>(replicationsOf(regclass(table), thing?.notInLog !== true))
}

/**
 * Whoever reads by `pgoutput` gets what is published; other plugins send all. Slots that a standby keeps for the day when it takes over
 * (`synced`, since PostgreSQL 17) are those of the primary, until it has: the word stays with them. A reader that registered says itself what it uses.
 * What is published is read from the catalog: pg_publication_tables locks all that is, and would wait. The schemas, of which there is a catalog since
 * PostgreSQL 15, are told by what depends on them.
 */
function replicationsOf(relation: Sql, isInLog: boolean): Sql {
  return sql`
with family as (select relid from bellows.tree(${relation}, '') tree (relid) union select relid from pg_catalog.pg_partition_ancestors(${relation}) up (relid)),
published as (select from family join pg_catalog.pg_class c on c.oid = family.relid and c.relkind in ('r', 'p') and c.relpersistence = 'p'
  where exists (select from pg_catalog.pg_publication where puballtables)
    or exists (select from pg_catalog.pg_publication_rel where prrelid = c.oid)
    or exists (select from pg_catalog.pg_depend d where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace')
      and d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = c.relnamespace))
select 'slot' as kind, s.slot_name::text as name, a.usename::text as role, a.application_name as application
  from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
  where ${lit(isInLog)} and s.slot_type = 'logical' and s.database = pg_catalog.current_database()
    and not (pg_catalog.pg_is_in_recovery() and coalesce((pg_catalog.to_jsonb(s) ->> 'synced')::boolean, false))
    and not exists (select from bellows.instance i where i.application_name = a.application_name and i.released_at is null)
    and (s.plugin <> 'pgoutput' or exists (select from published))
union all
select 'subscription', b.subname::text, null, null from pg_catalog.pg_subscription b
  where b.subdbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and exists (select from pg_catalog.pg_subscription_rel r where r.srsubid = b.oid and r.srrelid in (select relid from family))
order by 1, 2`
}
