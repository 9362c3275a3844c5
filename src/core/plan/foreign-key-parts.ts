import type { QualifiedName, Table } from '../schema/model.ts'
import { id, join, lit, qualified, regclass, type Sql, sql } from '../sql.ts'
import { commentedSql } from './commented.ts'
import { onBoth } from './constraint-steps.ts'
import type { Hazard } from './hazard.ts'
import { asideUnderSql, nameUnderSql } from './key-names.ts'
import { wholeTree } from './locks.ts'
import { isMeant, noOtherKey } from './meant-key.ts'
import { constraintAbsent } from './probes.ts'
import type { ForeignKeyPartsStep, Lock, LockLevel, Requirement, TransactionStep } from './step.ts'
import { treeSql } from './tree.ts'
import { canBeWhole } from './whole-keys.ts'

type Of = Pick<ForeignKeyPartsStep, 'table' | 'name'>

/** Partitions with rows, each with the key of this name that it has for itself or from its table. */
function leavesSql({ table, name }: Of, one?: QualifiedName): Sql {
  return sql`${treeSql(table, one)} t
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.conname = ${lit(name)} and k.contype = 'f' where t.isleaf`
}

/** Those that lack the key, or its proof, or of these the one. */
export function lackingKeySql(of: Of, one?: QualifiedName): Sql {
  return sql`select n.nspname as namespace, c.relname as name, k.oid is not null as "isPut" from ${leavesSql(of, one)} and k.convalidated is not true order by k.oid is null, c.oid`
}

export function allKeysProvedSql(of: Of): Sql {
  return sql`not exists (select from ${leavesSql(of)} and k.convalidated is not true)`
}

/** Those that partitions have for themselves. */
export function looseKeysSql(of: Of): Sql {
  return sql`select n.nspname as namespace, c.relname as name from ${leavesSql(of)} and k.conparentid = 0 order by c.oid`
}

/** Of these the ones that the step has put up; another one of the name is somebody else's. */
export function ownLooseKeysSql(key: Of & Pick<Key, 'other' | 'definition'>): Sql {
  return sql`select n.nspname as namespace, c.relname as name from ${leavesSql(key)} and k.conparentid = 0 and ${isMeant(key)} order by c.oid`
}

/** In the moment in which the table takes over the keys of its partitions, the triggers of these on the other table go. */
export function keyPartLocks(
  table: Table,
  { other, columns }: Pick<ForeignKeyPartsStep, 'other' | 'columns'>,
): readonly Lock[] {
  const level = takingLevel({ columns })
  return [...onBoth(table, other, [level, 'access_exclusive']), ...partLocks(table, level)]
}

/** One partition after the other; the table itself is left alone. */
export function looseKeyLocks(table: Table, { other }: Pick<ForeignKeyPartsStep, 'other'>): readonly Lock[] {
  return [
    { relation: other, level: 'access_exclusive', implied: true },
    ...partLocks(table, 'access_exclusive'),
  ]
}

function partLocks(table: Table, level: LockLevel): readonly Lock[] {
  return wholeTree(table)
    .slice(1)
    .map((lock) => ({ ...lock, level }))
}

/** What a partition has under its key, where the other table is partitioned, too, PostgreSQL drops under a lock for that. */
function takingLevel({ columns }: { readonly columns?: readonly string[] | undefined }): LockLevel {
  return columns === undefined ? 'share_row_exclusive' : 'access_exclusive'
}

/** The other table has the triggers of each partition's own key until there is one for all. */
export function manyTriggers({ name, parts }: Table, other: QualifiedName): readonly Hazard[] {
  const leaves = parts.filter(({ kind }) => kind === 'table').length
  if (leaves < 2) return []
  return [
    {
      code: 'slower_queries',
      because: `Until "${name}" has taken over the foreign keys of its ${leaves} partitions, a DELETE of a row of "${other.name}", and an UPDATE of what they point at, looks up to ${leaves} times for rows that point at it, once for each partition.`,
    },
  ]
}

/** One transaction of the step. */
export type KeyWork = Pick<TransactionStep, 'locks' | 'requires' | 'statements' | 'cost'>

type Key = Pick<ForeignKeyPartsStep, 'table' | 'other' | 'name' | 'definition' | 'comment' | 'columns'>

export function addKeySql({ name, definition }: Pick<Key, 'name' | 'definition'>, to: QualifiedName): Sql {
  return sql`alter table ${qualified(to)} add constraint ${id(name)} ${definition}`
}

/** For new rows of a partition: NOT VALID and VALIDATE are two transactions, because this one stops writers and the other one reads. */
export function putKey(key: Key, part: QualifiedName): KeyWork {
  return {
    locks: [
      { relation: key.other, level: 'share_row_exclusive', implied: true },
      { relation: part, level: 'share_row_exclusive' },
    ],
    requires: [],
    statements: [sql`${addKeySql(key, part)} not valid`],
    cost: 'instant',
  }
}

/** For the rows that are there. */
export function proveKey(key: Key, part: QualifiedName): KeyWork {
  const { other, name } = key
  return {
    locks: [
      { relation: part, level: 'share_update_exclusive' },
      { relation: other, level: 'row_share', implied: true },
    ],
    requires: [isFree(key, noOtherKey(key))],
    statements: [sql`alter table ${qualified(part)} validate constraint ${id(name)}`],
    cost: 'scan',
  }
}

/**
 * May the whole table get it for new rows? PostgreSQL takes that since version 18. Where both tables are partitioned it is to be so: what
 * partitions have for themselves they have once for each partition of the other table.
 */
export function isForWhole(key: Key): Sql {
  if (key.columns === undefined) return sql`false`
  return sql`(${canBeWhole} and ${constraintAbsent(key.table, key.name)} and not exists (${looseKeysSql(key)}))`
}

export function putWholeKey(key: Key): KeyWork {
  return {
    locks: takingLocks(key),
    requires: [isFree(key, constraintAbsent(key.table, key.name))],
    statements: [sql`${addKeySql(key, key.table)} not valid`, ...namesSql(key)],
    cost: 'instant',
  }
}

function takingLocks({ table, other, columns }: Key): readonly Lock[] {
  return [
    { relation: other, level: 'access_exclusive', implied: true },
    { relation: table, level: takingLevel({ columns }) },
  ]
}

function isFree({ table, name }: Key, that: Sql): Requirement {
  return {
    that,
    code: 'drift_found',
    otherwise: `"${table.name}" has got another constraint "${name}" since the plan was made`,
  }
}

/** What stands on the table, and nobody has proved there yet. */
export function unprovedKeySql({ table, name }: Of): Sql {
  return sql`select from pg_catalog.pg_constraint where conrelid = ${regclass(table)} and conname = ${lit(name)} and contype = 'f' and not convalidated`
}

/** PostgreSQL has named what is under it while it had the name that it has now. */
export function namesSql({ table, name, columns }: Pick<Key, 'table' | 'name' | 'columns'>): readonly Sql[] {
  return columns === undefined ? [] : [asideUnderSql(table, name), nameUnderSql(table, name, columns)]
}

/** With the table and all partitions locked nobody makes another one, and nothing is read. */
export function takeOverKeys(key: Key): KeyWork {
  const { table, name, comment } = key
  const isPut = sql`exists (${unprovedKeySql(key)})`
  return {
    locks: takingLocks(key),
    requires: [
      isFree(key, sql`((${constraintAbsent(table, name)} or ${isPut}) and ${noOtherKey(key)})`),
      {
        that: allKeysProvedSql(key),
        code: 'drift_found',
        otherwise: `a partition of "${table.name}" lacks the foreign key "${name}", which came meanwhile`,
      },
    ],
    statements: [
      sql`do ${lit(sql`
begin
  if ${isPut} then
    alter table ${qualified(table)} validate constraint ${id(name)};
  else
    ${join([addKeySql(key, table), ...namesSql(key)], ';\n    ')};
  end if;
end`)}`,
      ...commentedSql(sql`constraint ${id(name)} on ${qualified(table)}`, comment),
    ],
    cost: 'instant',
  }
}

export function dropKey({ other, name }: Key, part: QualifiedName): KeyWork {
  return {
    locks: [
      { relation: other, level: 'access_exclusive', implied: true },
      { relation: part, level: 'access_exclusive' },
    ],
    requires: [],
    statements: [sql`alter table ${qualified(part)} drop constraint ${id(name)} restrict`],
    cost: 'instant',
  }
}
