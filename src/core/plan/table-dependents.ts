import type { QualifiedName } from '../schema/model.ts'
import { join, lit, regclass, type Sql, sql } from '../sql.ts'

/**
 * Everything outside a table, or a view, that would break without it or would vanish with it without a word: rows of (kind, name).
 * It may hang on the relation, on the type of its rows, or on a sequence that the table owns. What belongs to the table itself
 * (indexes, constraints, triggers, policies, rules, statistics, its sequences) goes with it.
 */
export function tableDependentsQuery(table: QualifiedName): Sql {
  return sql`
select distinct coalesce(o.kind, i.type) as kind, coalesce(o.name, i.identity) as name
  from pg_catalog.pg_class t
  cross join lateral (
    select 'pg_catalog.pg_class'::regclass::oid as classid, t.oid as objid
    union all select 'pg_catalog.pg_type'::regclass, y.oid from pg_catalog.pg_type y where y.oid in (t.reltype, (select r.typarray from pg_catalog.pg_type r where r.oid = t.reltype))
    union all select 'pg_catalog.pg_class'::regclass, s.objid from pg_catalog.pg_depend s join pg_catalog.pg_class q on q.oid = s.objid and q.relkind = 'S'
      where s.classid = 'pg_catalog.pg_class'::regclass and s.refclassid = s.classid and s.refobjid = t.oid and s.deptype in ('a', 'i')
  ) part
  join pg_catalog.pg_depend d on d.refclassid = part.classid and d.refobjid = part.objid
  cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i
  left join lateral (
    select case c.relkind when 'm' then 'materialized view' when 'v' then 'view' else 'rule' end as kind, c.oid::regclass::text as name, c.oid = t.oid as own
      from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
      where d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
    union all
    select case c.contype when 'f' then 'foreign key' else 'constraint' end, i.identity, c.conrelid = t.oid or c.conparentid <> 0
      from pg_catalog.pg_constraint c where d.classid = 'pg_catalog.pg_constraint'::regclass and c.oid = d.objid
    union all
    -- Each partition has the default of a serial for itself, from the one sequence of its table, and goes before that.
    select 'default', f.adrelid::regclass || '.' || a.attname,
        f.adrelid = t.oid or exists (select from pg_catalog.pg_partition_ancestors(f.adrelid) a (relid) where a.relid = t.oid)
      from pg_catalog.pg_attrdef f join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
      where d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid
    union all
    -- Before PostgreSQL 15 a generated column of another table goes with the type of the rows, without a word.
    select i.type, i.identity, d.deptype <> 'n' and (d.objsubid = 0 or c.oid = t.oid) from pg_catalog.pg_class c
      where d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid
    union all
    select i.type, i.identity, true where d.classid = 'pg_catalog.pg_type'::regclass and d.deptype = 'i'
    union all
    select 'publication', p.pubname, false
      from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid
      where d.classid = 'pg_catalog.pg_publication_rel'::regclass and r.oid = d.objid
    union all
    select 'trigger', i.identity, g.tgrelid = t.oid or g.tgisinternal from pg_catalog.pg_trigger g
      where d.classid = 'pg_catalog.pg_trigger'::regclass and g.oid = d.objid
    union all
    select 'policy', i.identity, p.polrelid = t.oid from pg_catalog.pg_policy p
      where d.classid = 'pg_catalog.pg_policy'::regclass and p.oid = d.objid
    union all
    select 'statistics', i.identity, true where d.classid = 'pg_catalog.pg_statistic_ext'::regclass
  ) o on true
  where t.oid = ${regclass(table)} and not coalesce(o.own, false)
union
select 'extension', e.extname
  from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = ${regclass(table)}
    and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'`
}

/** Nothing hangs on a table but what goes before it, by name. */
export function tableHasNoDependents(table: QualifiedName, along: readonly string[]): Sql {
  const others =
    along.length === 0 ? sql`` : sql` where name not in (${join(along.map((name) => lit(name)))})`
  return sql`not exists (select from (${tableDependentsQuery(table)}) as dependent${others})`
}
