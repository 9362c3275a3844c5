import { id, lit, qualified, regclass, type Sql, sql } from '../sql.ts'
import type { Renamed } from './copied.ts'
import type { StandingParts } from './parts.ts'
import { type CarriedKey, primaryKeySql } from './standing-parts.ts'

/**
 * Makes the primary key of a partitioned table of other columns: what stands in each partition becomes its key, under the name that
 * this has had, and whatever is above takes it over. It reads no row, and asks the catalog which partitions there are.
 * @param columns those of the key that are called otherwise by now than in the model
 */
export function swapPartKeysSql(carried: CarriedKey, parts: StandingParts, columns: readonly Renamed[]): Sql {
  const { table, key } = carried
  const made = primaryKeySql(carried, columns)
  const on = qualified(table)
  const body = sql`
declare
  one record;
  had jsonb := (${hadSql(carried)});
  was jsonb;
begin
  alter table ${on} drop constraint ${id(key.name)} restrict;
  -- From below: a table that gets a key looks for those of its partitions once, and each that were attached by itself would look at all others.
  for one in select t.relid, t.isleaf, n.nspname, (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid = t.relid and i.indisvalid and pg_catalog.starts_with(x.relname, ${lit(parts.prefix)})) as alone
      from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      order by t.level desc, t.relid loop
    was := had -> one.relid::oid::text;
    if one.isleaf then
      execute pg_catalog.format('alter table %s add constraint %I primary key using index %I', one.relid, was ->> 'name', one.alone);
    else
      execute pg_catalog.format('alter table %s add constraint %I %s', one.relid, was ->> 'name', ${lit(made)});
    end if;
    if was ->> 'comment' is not null then
      execute pg_catalog.format('comment on constraint %I on %s is %L', was ->> 'name', one.relid, was ->> 'comment');
    end if;
    if was ->> 'said' is not null then
      execute pg_catalog.format('comment on index %I.%I is %L', one.nspname, was ->> 'name', was ->> 'said');
    end if;
    if (was ->> 'identity')::boolean then
      execute pg_catalog.format('alter table %s replica identity using index %I', one.relid, was ->> 'name');
    end if;
    if (was ->> 'clustered')::boolean then
      execute pg_catalog.format('alter table %s cluster on %I', one.relid, was ->> 'name');
    end if;
  end loop;
  if exists (${aloneSql(carried)}) then
    raise exception 'a partition has a primary key that is not a part of that of its table';
  end if;
  for one in ${otherNamesSql(carried)} loop
    execute pg_catalog.format('alter table %s rename column %I to %I', one.place, one.called, one.wanted);
  end loop;
end`
  return sql`do ${lit(body)}`
}

/** What the key of each partition is called, and what goes by it. */
function hadSql({ table, key }: CarriedKey): Sql {
  return sql`select pg_catalog.jsonb_object_agg(i.indrelid::text, pg_catalog.jsonb_build_object('name', x.relname, 'identity', i.indisreplident,
      'clustered', i.indisclustered, 'comment', pg_catalog.obj_description(k.oid, 'pg_constraint'), 'said', pg_catalog.obj_description(x.oid, 'pg_class')))
    from pg_catalog.pg_partition_tree(${keyIndex({ table, key })}) t join pg_catalog.pg_index i on i.indexrelid = t.relid
    join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.contype = 'p'`
}

function aloneSql({ table }: CarriedKey): Sql {
  return sql`select from pg_catalog.pg_partition_tree(${regclass(table)}) t join pg_catalog.pg_index i on i.indrelid = t.relid and i.indisprimary
      where t.level > 0 and not exists (select from pg_catalog.pg_inherits h join pg_catalog.pg_index u on u.indexrelid = h.inhparent
        where h.inhrelid = i.indexrelid and u.indisprimary)`
}

/** An index keeps the names that its columns had when it was built, where nobody has given it others before. */
function otherNamesSql({ table, key }: CarriedKey): Sql {
  return sql`select i.indexrelid::regclass as place, x.attname as called, a.attname as wanted
      from pg_catalog.pg_partition_tree(${keyIndex({ table, key })}) t join pg_catalog.pg_index i on i.indexrelid = t.relid
      join pg_catalog.pg_attribute x on x.attrelid = i.indexrelid
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[x.attnum - 1] where t.isleaf and x.attname <> a.attname`
}

function keyIndex({ table: { namespace }, key: { name } }: Omit<CarriedKey, 'index'>): Sql {
  return regclass({ namespace, name })
}
