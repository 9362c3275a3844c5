import type { DatabaseObject } from '../objects/database-object.ts'
import { lit, regclass, type Sql, sql } from '../sql.ts'

/**
 * Functions that may run in a parallel plan, and may read the view there, be it through others: one `name` a row. Nothing can be counted
 * in such a plan, not even an attempt be made, and nothing tells whoever is asked that it is in one.
 */
export function parallelReadersQuestion({ name }: DatabaseObject): Sql {
  // To look for a text costs a fraction of what a pattern does, and is in vain for nearly all.
  const names = (body: Sql) =>
    sql`case when pg_catalog.strpos(${body}, pg_catalog.lower(r.name)) > 0 then ${body} ~ ('(?<!\\w)' || pg_catalog.regexp_replace(pg_catalog.lower(r.name), '(\\W)', '\\\\\\1', 'g') || '(?!\\w)') end`
  return sql`
with recursive functions as materialized (
  select p.oid, p.proname, p.proparallel, pg_catalog.lower(pg_catalog.concat(p.prosrc, pg_catalog.pg_get_function_sqlbody(p.oid)) collate "C") as body
    from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname not in ('internal', 'c')
    where p.pronamespace not in (select oid from pg_catalog.pg_namespace where nspname in ('pg_catalog', 'information_schema', 'bellows'))
), reached (name) as (
  select ${lit(name.name)} collate "C"
  union
  select found.name from reached r cross join lateral (
    select c.relname::pg_catalog.text as name from pg_catalog.pg_depend d
      join pg_catalog.pg_rewrite w on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and w.oid = d.objid
      join pg_catalog.pg_class c on c.oid = w.ev_class
      where d.refobjid in (select oid from pg_catalog.pg_class where relname = r.name union all select oid from functions where proname = r.name)
    union all
    select f.proname::pg_catalog.text from functions f where ${names(sql`f.body`)}
  ) found
)
select distinct f.oid::pg_catalog.regprocedure::pg_catalog.text as name from functions f join reached r on ${names(sql`f.body`)}
  where f.proparallel <> 'u' order by name`
}

/** Foreign tables that a view reads, be it through others: one `name` a row. What names no column keeps their joins from being sent away whole. */
export function foreignTablesQuestion({ name }: DatabaseObject): Sql {
  return sql`
with recursive read (oid) as (
  select ${regclass(name)}::pg_catalog.oid
  union
  select found.oid from read r cross join lateral (
    select d.refobjid as oid from pg_catalog.pg_rewrite w
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid
      where w.ev_class = r.oid and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    union all
    select h.inhrelid from pg_catalog.pg_inherits h where h.inhparent = r.oid
  ) found
)
select c.oid::pg_catalog.regclass::pg_catalog.text as name from read r join pg_catalog.pg_class c on c.oid = r.oid
  where c.relkind = 'f' order by name`
}
