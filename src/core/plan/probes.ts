import type { Column, QualifiedName } from '../schema/model.ts'
import { id, lit, regclass, type Sql, sql } from '../sql.ts'
import type { Installed } from './row-trigger.ts'
import { treeOf } from './tree.ts'

/** Read-only questions to the catalog, each one boolean. Of a table that is gone nothing is true, also not that a thing is absent. */

export function all(probes: readonly Sql[]): Sql {
  return probes.map((probe) => `(${probe})`).join(' and ') as Sql
}

export function relationExists(of: QualifiedName): Sql {
  return sql`${regclass(of)} is not null`
}

export function relationIs(of: QualifiedName, kind: 'table' | 'view'): Sql {
  const kinds = kind === 'table' ? sql`relkind in ('r', 'p')` : sql`relkind = 'v'`
  return sql`exists (select from pg_catalog.pg_class where oid = ${regclass(of)} and ${kinds})`
}

export function columnExists(table: QualifiedName, column: string): Sql {
  return sql`exists (select from pg_catalog.pg_attribute where attrelid = ${regclass(table)} and attname = ${lit(column)} and attnum > 0 and not attisdropped)`
}

export function columnAbsent(table: QualifiedName, column: string): Sql {
  return sql`(${relationExists(table)} and not ${columnExists(table, column)})`
}

export function columnIsNotNull(table: QualifiedName, column: string): Sql {
  return sql`exists (select from pg_catalog.pg_attribute where attrelid = ${regclass(table)} and attname = ${lit(column)} and not attisdropped and attnotnull)`
}

const defaultOf = (table: QualifiedName, column: string): Sql =>
  sql`(select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where d.adrelid = ${regclass(table)} and a.attname = ${lit(column)})`

/** Has a column this default, as PostgreSQL prints it; null: has it none? */
export function defaultIs(table: QualifiedName, column: string, printed: string | null): Sql {
  return sql`(${relationExists(table)} and ${defaultOf(table, column)} is not distinct from ${lit(printed)})`
}

/** Has it another one by now? How PostgreSQL will print that, nobody knows before. */
export function defaultIsNew(table: QualifiedName, column: string, before: string | null): Sql {
  return sql`${defaultOf(table, column)} <> ${before === null ? sql`''` : lit(before)}`
}

/** Are comment, statistics, storage and compression of a column as they should be? */
export function attributesAre(
  table: QualifiedName,
  column: Pick<Column, 'name' | 'comment' | 'statisticsTarget' | 'storage' | 'compression'>,
): Sql {
  const storage = column.storage === 'extended' ? 'x' : column.storage.charAt(0)
  return sql`exists (select from pg_catalog.pg_attribute where attrelid = ${regclass(table)} and attname = ${lit(column.name)} and pg_catalog.col_description(attrelid, attnum) is not distinct from ${lit(column.comment)} and coalesce(attstattarget, -1) = ${lit(column.statisticsTarget)} and attstorage = ${lit(storage)} and attcompression = ${lit(column.compression?.charAt(0) ?? '')})`
}

export function isOfType(table: QualifiedName, column: string, type: string): Sql {
  return sql`exists (select from pg_catalog.pg_attribute where attrelid = ${regclass(table)} and attname = ${lit(column)} and not attisdropped and pg_catalog.format_type(atttypid, atttypmod) = ${lit(type)})`
}

/** Nobody has changed since what the plan carries over from a column to its successor. */
export function columnIsAsPlanned(table: QualifiedName, column: Column): Sql {
  return sql`exists (select from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = ${regclass(table)} and a.attname = ${lit(column.name)} and a.attnotnull = ${lit(!column.nullable)} and pg_catalog.pg_get_expr(d.adbin, d.adrelid) is not distinct from ${lit(column.default)} and (select count(*) from pg_catalog.aclexplode(a.attacl)) = ${lit(column.grants.length)})`
}

/** Partitions do not count: a trigger of their table fires in them. */
export function hasNoChildren(table: QualifiedName): Sql {
  return sql`not exists (select from pg_catalog.pg_inherits h join pg_catalog.pg_class c on c.oid = h.inhrelid where h.inhparent = ${regclass(table)} and not c.relispartition)`
}

/** The trigger is there, on each partition, too; fires always, and its function says exactly what was planned. */
export function dualWriteStands(installed: Installed): Sql {
  return sql`not exists (select from ${treeOf(regclass(installed.table))} t where not exists (select from pg_catalog.pg_trigger g join pg_catalog.pg_proc f on f.oid = g.tgfoid where g.tgrelid = t.relid and g.tgname = ${lit(installed.trigger)} and g.tgenabled = 'A' and f.prosrc = ${lit(installed.body)}))`
}

/** No trigger of somebody else fires behind the dual write and could change what it has put in step. */
export function dualWriteIsLast(installed: Omit<Installed, 'body'>): Sql {
  return sql`not exists (select from pg_catalog.pg_trigger g join pg_catalog.pg_proc f on f.oid = g.tgfoid where g.tgrelid in ${treeOf(regclass(installed.table))} and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype::integer & 3 = 3 and g.tgname::text collate "C" > ${lit(installed.trigger)} and f.pronamespace is distinct from pg_catalog.to_regnamespace('bellows'))`
}

export function dualWriteAbsent(installed: Omit<Installed, 'body'>): Sql {
  return sql`pg_catalog.to_regprocedure(${lit(`bellows.${id(installed.function)}()`)}) is null`
}

export function constraintExists(table: QualifiedName, name: string): Sql {
  return sql`exists (select from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(name)})`
}

/** Constraints as the catalog tells them apart. */
const CONTYPES = {
  check: 'c',
  foreign_key: 'f',
  unique: 'u',
  primary_key: 'p',
  exclusion: 'x',
  not_null: 'n',
} as const

export function constraintIs(table: QualifiedName, name: string, kind: keyof typeof CONTYPES): Sql {
  return sql`exists (select from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(name)} and contype = ${lit(CONTYPES[kind])})`
}

/** Nobody has put another constraint in its place since the plan was made. */
export function constraintIsAsPlanned(
  table: QualifiedName,
  name: string,
  definition: string,
  hidden: readonly Hidden[] = [],
): Sql {
  return sql`exists (select from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(name)} and ${shownAgain(sql`pg_catalog.pg_get_constraintdef(oid)`, hidden)} = ${lit(definition)})`
}

/** A column that the run has hidden under a name that nobody else has. */
export interface Hidden {
  readonly column: string
  readonly hidden: string
}

/** A definition with columns by the names that they had before they were hidden. */
function shownAgain(definition: Sql, columns: readonly Hidden[]): Sql {
  return columns.reduce(
    (text, { column, hidden }) =>
      sql`pg_catalog.replace(${text}, pg_catalog.quote_ident(${lit(hidden)}), pg_catalog.quote_ident(${lit(column)}))`,
    definition,
  )
}

export function constraintAbsent(table: QualifiedName, name: string): Sql {
  return sql`(${relationExists(table)} and not ${constraintExists(table, name)})`
}

export function constraintValidated(table: QualifiedName, name: string): Sql {
  return sql`exists (select from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(name)} and convalidated)`
}

export function indexValid(index: QualifiedName): Sql {
  return sql`exists (select from pg_catalog.pg_index where indexrelid = ${regclass(index)} and indisvalid)`
}

/** The definition of index `i`, called `x`, of a table called `t`, without their names: from `USING` on, and whether it is unique. */
export const USING = sql`(select case when i.indisunique then 'UNIQUE ' else '' end || pg_catalog.substr(d.rest, pg_catalog.strpos(d.rest, '.' || pg_catalog.quote_ident(t.relname) || ' USING ') + pg_catalog.length(pg_catalog.quote_ident(t.relname)) + 2) from (values (pg_catalog.substr(pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.strpos(pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.quote_ident(x.relname)) + pg_catalog.length(pg_catalog.quote_ident(x.relname))))) d (rest))`

function indexIs(index: QualifiedName, table: QualifiedName, using: Sql | null, more: Sql): Sql {
  const defined = using === null ? sql`` : sql` and ${USING} = ${using}`
  return sql`exists (select from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_class t on t.oid = i.indrelid where i.indexrelid = ${regclass(index)} and i.indrelid = ${regclass(table)}${defined}${more})`
}

/** An index of this table with this definition, a text from `USING` on, whether or not it is valid. */
export function indexHas(index: QualifiedName, table: QualifiedName, using: Sql | null): Sql {
  return indexIs(index, table, using, sql``)
}

export function indexStands(index: QualifiedName, table: QualifiedName, using: Sql): Sql {
  return indexIs(index, table, using, sql` and i.indisvalid`)
}

/** What may be dropped to build anew: nothing, or an index of this table that is not valid. */
export function isFreeToBuild(index: QualifiedName, table: QualifiedName, using: Sql | null): Sql {
  return sql`(${relationAbsent(index)} or ${indexIs(index, table, using, sql` and not i.indisvalid`)})`
}

/** What a build has left that did not come to its end. */
export function indexIsInvalid(index: QualifiedName): Sql {
  return sql`exists (select from pg_catalog.pg_index i where i.indexrelid = ${regclass(index)} and not i.indisvalid)`
}

/** Nobody has changed an index since: `definition` as `pg_get_indexdef` printed it, but for the name. */
export function indexIsAsPlanned(
  index: QualifiedName,
  definition: string,
  hidden: readonly Hidden[] = [],
): Sql {
  return sql`(${relationAbsent(index)} or ${shownAgain(sql`pg_catalog.pg_get_indexdef(${regclass(index)})`, hidden)} = ${lit(definition)})`
}

/** Has neither the table nor any of its partitions a row? */
export function isEmpty(table: QualifiedName): Sql {
  return sql`not exists (select from ${treeOf(regclass(table))} t where pg_catalog.pg_relation_size(t.relid) > 0)`
}

/**
 * No more bytes than that, partitions counted in: what takes a lock for as long as it reads the table must not be surprised by its growth.
 * What is counted is what the plan knows as `bytes`, without the maps beside, which are most of a small table.
 */
export function isAtMost(table: QualifiedName, bytes: number): Sql {
  const size = sql`pg_catalog.pg_relation_size(c.oid) + coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0)`
  return sql`(select pg_catalog.sum(${size}) from ${treeOf(regclass(table))} t join pg_catalog.pg_class c on c.oid = t.relid) <= ${lit(bytes)}`
}

export function relationAbsent(of: QualifiedName): Sql {
  return sql`${regclass(of)} is null`
}

export function backfillFinished(step: string): Sql {
  return sql`exists (select from bellows.checkpoint where step = ${lit(step)} and finished)`
}
