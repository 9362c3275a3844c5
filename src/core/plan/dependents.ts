import type { QualifiedName } from '../schema/model.ts'
import { join, lit, pattern, regclass, type Sql, sql } from '../sql.ts'
import { treeOf } from './tree.ts'

/**
 * Everything that hangs on a column and does not travel with it: rows of (kind, name). What Bellows carries itself (indexes,
 * checks and foreign keys of the column's own table, its default, its sequences) is left out; all the rest is named, also
 * kinds of objects that this query does not know.
 */
export function dependentsQuery(table: QualifiedName, column: string): Sql {
  return sql`select kind, name from (${dependentsOf(askedFor(table, column))}) found`
}

/**
 * The same of many columns: rows of (at, kind, name, bound), `at` being the number that is given with the column. What is bound
 * goes along with the column, whatever that is called: PostgreSQL itself keeps a record of it.
 */
export function dependentsOfEach(
  columns: readonly { readonly at: number; readonly table: QualifiedName; readonly column: string }[],
): Sql {
  const asked = columns.map(
    ({ at, table, column }) =>
      sql`(${lit(at)}, ${regclass(table)}, ${lit(column)}, ${lit(namedInTrigger(column))})`,
  )
  return sql`
select asked.at, found.kind, found.name, found.bound from (values ${join(asked)}) asked (at, relation, name, named)
  cross join lateral (${dependentsOf({ relation: sql`asked.relation`, column: sql`asked.name`, named: sql`asked.named` })}) found`
}

/** SQL expressions for a column and its table, and for the pattern that finds it in the text of a trigger. */
interface Asked {
  readonly relation: Sql
  readonly column: Sql
  readonly named: Sql
}

function askedFor(table: QualifiedName, column: string): Asked {
  return {
    relation: regclass(table),
    column: lit(column),
    named: lit(namedInTrigger(column)),
  }
}

/**
 * What hangs on a partition alone would go with the column just the same. Each partition is asked for by itself, because the planner
 * takes them for many, and would read the whole catalog for that.
 */
function dependentsOf({ relation, column, named }: Asked): Sql {
  return sql`
select kind, name, pg_catalog.bool_or(bound) as bound from (
select coalesce(s.kind, i.type) as kind, coalesce(s.name, i.identity) as name, true as bound
  -- What travels has no need of a name, which takes longer than all the rest.
  from (select d.classid, d.objid, d.objsubid, o.kind, o.name
  from ${treeOf(relation)} tree
  cross join lateral (select * from pg_catalog.pg_attribute where attrelid = tree.relid and attname = ${column} and not attisdropped offset 0) a
  cross join lateral (select * from pg_catalog.pg_depend where refclassid = 'pg_catalog.pg_class'::regclass and refobjid = a.attrelid and refobjsubid = a.attnum offset 0) d
  left join lateral (
    select case c.relkind when 'm' then 'materialized view' when 'v' then 'view' else 'rule' end as kind, c.oid::regclass::text as name, false as travels
      from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
      where d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
    union all
    select case c.contype when 'f' then 'foreign key' else 'constraint' end, null,
        c.conparentid <> 0 or c.conrelid = a.attrelid and (c.contype <> 'f' or c.confrelid <> a.attrelid or not a.attnum = any (c.confkey))
      from pg_catalog.pg_constraint c where d.classid = 'pg_catalog.pg_constraint'::regclass and c.oid = d.objid
    union all
    select 'generated column', f.adrelid::regclass || '.' || g.attname, f.adnum = a.attnum
      from pg_catalog.pg_attrdef f join pg_catalog.pg_attribute g on g.attrelid = f.adrelid and g.attnum = f.adnum
      where d.classid = 'pg_catalog.pg_attrdef'::regclass and f.oid = d.objid
    union all
    -- Before PostgreSQL 15 the column itself hangs on what it is computed from.
    select 'generated column', g.attrelid::regclass || '.' || g.attname, false from pg_catalog.pg_attribute g
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objsubid <> 0 and g.attrelid = d.objid and g.attnum = d.objsubid
    union all
    select null, null, c.relkind = 'S' or x.indrelid = a.attrelid
      from pg_catalog.pg_class c left join pg_catalog.pg_index x on x.indexrelid = c.oid
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0 and c.oid = d.objid
    union all
    select 'publication', p.pubname, false
      from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid
      where d.classid = 'pg_catalog.pg_publication_rel'::regclass and r.oid = d.objid
    union all
    select 'trigger', null, g.tgparentid <> 0 or p.pronamespace = pg_catalog.to_regnamespace('bellows')
      from pg_catalog.pg_trigger g join pg_catalog.pg_proc p on p.oid = g.tgfoid
      where d.classid = 'pg_catalog.pg_trigger'::regclass and g.oid = d.objid
    union all
    select 'statistics', null, false where d.classid = 'pg_catalog.pg_statistic_ext'::regclass
  ) o on true
  where not coalesce(o.travels, false) offset 0) s
  cross join lateral pg_catalog.pg_identify_object(s.classid, s.objid, s.objsubid) i
union all
${namedByTriggers({ relation, column, named })}) hanging group by kind, name`
}

/**
 * Triggers of the table whose function says `new.column` or `old.column`, or that were given the column's name as an argument:
 * PostgreSQL keeps no record of that, and each of them fails every write once the column has another name.
 */
function namedByTriggers({ relation, column, named }: Asked): Sql {
  return sql`
select 'trigger', i.identity, false
  from ${treeOf(relation)} tree
  cross join lateral (select * from pg_catalog.pg_trigger where tgrelid = tree.relid offset 0) g join pg_catalog.pg_proc p on p.oid = g.tgfoid
  cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::regclass, g.oid, 0) i
  where (g.tgrelid = ${relation} or g.tgparentid = 0) and not g.tgisinternal and g.tgenabled <> 'D'
    and p.pronamespace is distinct from pg_catalog.to_regnamespace('bellows')
    and (p.prosrc ~* ${named}
      or pg_catalog.position('\\000'::bytea || g.tgargs, '\\000'::bytea || pg_catalog.convert_to(${column}, pg_catalog.getdatabaseencoding()) || '\\000'::bytea) > 0)`
}

function namedInTrigger(column: string): string {
  return `\\m(new|old)\\s*\\.\\s*"?${pattern(column)}(?!\\w)`
}

/** But foreign keys that the plan knows by what they are called. */
export function hasNoDependents(table: QualifiedName, column: string, known: readonly string[] = []): Sql {
  const query = dependentsQuery(table, column)
  return sql`not exists (${known.length === 0 ? query : sql`${query} where not (${isKnownKey(known)})`})`
}

/** Nothing that would go along with the column under another name, but foreign keys that the plan knows by what they are called. */
export function nothingIsBound(table: QualifiedName, column: string, known: readonly string[] = []): Sql {
  return sql`not exists (${boundOn(table, column, known)})`
}

/** What `nothingIsBound` finds, as one text. */
export function allBound(table: QualifiedName, column: string, known: readonly string[] = []): Sql {
  return sql`(select pg_catalog.string_agg(kind || ' ' || name, ', ' order by kind, name) from (${boundOn(table, column, known)}) bound)`
}

function boundOn(table: QualifiedName, column: string, known: readonly string[]): Sql {
  const others = known.length === 0 ? sql`` : sql` and not (${isKnownKey(known)})`
  return sql`select kind, name from (${dependentsOf(askedFor(table, column))}) found where bound${others}`
}

function isKnownKey(known: readonly string[]): Sql {
  return sql`kind = 'foreign key' and name in (${join(known.map((one) => lit(one)))})`
}

/**
 * Nothing hangs on a column of its own table but what the plan knows by name. PostgreSQL drops indexes and constraints with
 * their column without a word; one that somebody made since the plan would be lost.
 */
export function nothingElseOn(
  table: QualifiedName,
  column: string,
  known: readonly string[],
  standing?: string,
): Sql {
  const names = [...known, ''].map((name) => lit(name))
  const relation = regclass(table)
  const ours =
    standing === undefined
      ? sql``
      : sql` and not pg_catalog.starts_with(coalesce(x.relname, c.conname), ${lit(standing)})`
  return sql`not exists (
select from ${treeOf(relation)} tree
  cross join lateral (select * from pg_catalog.pg_attribute where attrelid = tree.relid and attname = ${lit(column)} and not attisdropped offset 0) a
  cross join lateral (select * from pg_catalog.pg_depend where refclassid = 'pg_catalog.pg_class'::regclass and refobjid = a.attrelid and refobjsubid = a.attnum offset 0) d
  left join pg_catalog.pg_class x on d.classid = 'pg_catalog.pg_class'::regclass and x.oid = d.objid and x.relkind in ('i', 'I')
  left join pg_catalog.pg_constraint c on d.classid = 'pg_catalog.pg_constraint'::regclass and c.oid = d.objid and c.contype <> 'n'
  where coalesce(x.relname, c.conname) not in (${join(names)})${ours}
    -- A foreign key to a partitioned table has one to each of its partitions under it, which goes with it.
    and not exists (select from pg_catalog.pg_constraint up where up.oid = c.conparentid and up.conrelid = c.conrelid)
    -- What a partition has from its table is known by that.
    and (tree.relid = ${relation} or not coalesce(x.relispartition, c.conparentid <> 0 or c.coninhcount > 0)))`
}
