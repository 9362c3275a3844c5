import type { QualifiedName } from '../schema/model.ts'
import { lit, regclass, type Sql, sql } from '../sql.ts'
import type { Requirement } from './step.ts'
import { treeOf } from './tree.ts'

/**
 * By its replica identity the rows of a table are told in the log. PostgreSQL lets that go without a word, and from then on every UPDATE
 * and DELETE of a published table fails. A gate may stay closed for days, so what the plan knew of it is asked once more.
 */

const WHY = 'every UPDATE and DELETE of it would fail while it is published'

/** An index that goes, with its parts. */
export function noIdentity({ name: table }: QualifiedName, index: QualifiedName): Requirement {
  const identities = sql`from pg_catalog.pg_index i where i.indisreplident and i.indexrelid in ${treeOf(regclass(index))}`
  return {
    that: sql`not exists (select ${identities})`,
    code: 'drift_found',
    otherwise: `the index "${index.name}" of "${table}" has become a replica identity, without which ${WHY}; choose another one first, such as full, for`,
    which: sql`(select pg_catalog.string_agg(i.indrelid::pg_catalog.regclass::text, ', ') ${identities})`,
  }
}

/** A column that goes, with whatever index is on it, in each partition. */
export function noIdentityOn(table: QualifiedName, hidden: string, column: string): Requirement {
  const identities = sql`from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indisreplident and a.attname = ${lit(hidden)} and i.indrelid in ${treeOf(regclass(table))}`
  return {
    that: sql`not exists (select ${identities})`,
    code: 'drift_found',
    otherwise: `an index on "${column}" of "${table.name}" has become a replica identity, without which ${WHY}; choose another one first, such as full, for`,
    which: sql`(select pg_catalog.string_agg(distinct i.indrelid::pg_catalog.regclass::text, ', ') ${identities})`,
  }
}

/** A primary key that goes: the identity of each table that has chosen none. */
export function noIdentityByKey(table: QualifiedName): Requirement {
  const told = sql`from pg_catalog.pg_class c where c.oid in ${treeOf(regclass(table))} and c.relreplident = 'd' and ${isTold}`
  return {
    that: sql`not exists (select ${told})`,
    code: 'drift_found',
    otherwise: `"${table.name}" has come into a publication since the plan was made, which tells its rows by the primary key: without that every UPDATE and DELETE of it would fail; choose another replica identity first, such as full, for`,
    which: sql`(select pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ') ${told})`,
  }
}

/** A table that is to have no identity, or one that a primary key must be there for. Nobody writes to a partitioned one but by its partitions. */
export function notTold(table: QualifiedName, wants: 'default' | 'nothing'): Requirement {
  const hasNone = wants === 'nothing' ? sql`true` : sql`not ${hasIndex(sql`i.indisprimary`)}`
  const instead = wants === 'nothing' ? '' : ', or give it a primary key'
  return {
    that: sql`not exists (select from pg_catalog.pg_class c where c.oid = ${regclass(table)} and c.relkind = 'r' and ${isTold} and ${hasNone})`,
    code: 'drift_found',
    otherwise: `"${table.name}" is published, and would have no replica identity: every UPDATE and DELETE of it would fail. Take it out of the publication first${instead}`,
  }
}

/** Has `c` an index that rows can be told by, of those that are meant? */
function hasIndex(isMeant: Sql): Sql {
  return sql`exists (select from pg_catalog.pg_index i where i.indrelid = c.oid and i.indimmediate and i.indisvalid and ${isMeant})`
}

/** Is `c`, which has rows, without an identity? */
export const isBare: Sql = sql`c.relpersistence = 'p' and c.relkind = 'r' and (c.relreplident = 'n'
  or c.relreplident = 'd' and not ${hasIndex(sql`i.indisprimary`)} or c.relreplident = 'i' and not ${hasIndex(sql`i.indisreplident`)})`

/**
 * Does the publication `p` tell of changed rows of a table, by its own name or that of one that it is a partition of? The catalog of
 * schemas came with PostgreSQL 15.
 */
export function tellsOf(table: Sql): Sql {
  const upwards = sql`select ${table} union all select up.relid from pg_catalog.pg_partition_ancestors(${table}) up`
  return sql`(p.pubupdate or p.pubdelete) and (p.puballtables
  or exists (select from pg_catalog.pg_publication_rel r where r.prpubid = p.oid and r.prrelid in (${upwards}))
  or exists (select from pg_catalog.pg_depend d join pg_catalog.pg_depend e on (e.classid, e.objid) = (d.classid, d.objid)
    join pg_catalog.pg_class n on n.relnamespace = d.refobjid and n.oid in (${upwards})
    where d.classid = pg_catalog.to_regclass('pg_catalog.pg_publication_namespace') and d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      and e.refclassid = 'pg_catalog.pg_publication'::pg_catalog.regclass and e.refobjid = p.oid))`
}

/** Does a publication tell of changed rows of `c`? */
const isTold: Sql = sql`c.relpersistence = 'p' and c.relkind in ('r', 'p') and exists (select from pg_catalog.pg_publication p where ${tellsOf(sql`c.oid`)})`
