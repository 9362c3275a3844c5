import { hash } from '../hash.ts'
import type { Index } from '../schema/indexes.ts'
import type { Constraint, QualifiedName, Table } from '../schema/model.ts'
import { id, join, lit, regclass, type Sql, sql } from '../sql.ts'
import type { Renamed } from './copied.ts'
import { dropLoosePartsStep } from './index-parts.ts'
import { keyPlace, keyText } from './key-text.ts'
import type { StandingParts } from './parts.ts'
import type { IndexPartsStep, Lock, LockLevel, Requirement, StepDraft } from './step.ts'
import { treeSql } from './tree.ts'

/**
 * What is to become the primary key of each partition. PostgreSQL makes no key of an index that is a part of another one, so these
 * stand alone, one in each partition with rows, and become a key all at once with that of their table.
 */

/** A primary key, and the index that carries it. */
export interface CarriedKey {
  readonly table: Table
  readonly key: Constraint
  readonly index: Index
}

/** @param name tells apart what is built for different columns */
export function standingParts(
  { table, key, index }: CarriedKey,
  name: string,
  columns: readonly Renamed[],
): StandingParts {
  const named = columns.flatMap(({ to, finalName = to }) =>
    to === finalName ? [] : [{ from: to, to: finalName }],
  )
  return {
    table: { namespace: table.namespace, name: table.name },
    index: { namespace: table.namespace, name },
    using: `UNIQUE USING btree ${keyText(key, index, columns)}`,
    tablespace: index.tablespace,
    nameParts: [],
    prefix: `bellows_part_${hash(`${name} alone`).slice(0, 8)}_`,
    ...(named.length === 0 ? {} : { named }),
  }
}

/** As it stands behind the name of a constraint. */
export function primaryKeySql({ key, index }: Omit<CarriedKey, 'table'>, columns: readonly Renamed[]): Sql {
  return sql`primary key ${keyText(key, index, columns)}${keyPlace(index)}`
}

/** A partition that has no valid one, and what an interrupted build left on it. */
export interface BarePart {
  readonly namespace: string
  readonly name: string
  readonly leftovers: readonly string[]
}

export function barePartsSql(
  { table, prefix }: Pick<StandingParts, 'table' | 'prefix'>,
  one?: QualifiedName,
): Sql {
  const mine = sql`from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
    where i.indrelid = t.relid and pg_catalog.starts_with(x.relname, ${lit(prefix)})`
  return sql`select n.nspname as namespace, c.relname as name, array(select x.relname::text ${mine}) as leftovers
  from ${treeSql(table, one)} t
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where t.isleaf and not exists (select ${mine} and i.indisvalid) order by n.nspname, c.relname`
}

/** A column of an index that stands, which is to be called otherwise when that is a key. */
export interface MisnamedColumn extends QualifiedName, Renamed {}

export function misnamedSql({
  table,
  prefix,
  named = [],
}: Pick<StandingParts, 'table' | 'prefix' | 'named'>): Sql {
  const names = named.map(({ from, to }) => sql`(${lit(from)}::pg_catalog.name, ${lit(to)}::pg_catalog.name)`)
  return sql`select n.nspname as namespace, x.relname as name, called.was as ${id('from')}, called.wanted as ${id('to')}
  from (values ${join(names)}) called (was, wanted), pg_catalog.pg_partition_tree(${regclass(table)}) t
  join pg_catalog.pg_index i on i.indrelid = t.relid join pg_catalog.pg_class x on x.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = x.relnamespace join pg_catalog.pg_attribute a on a.attrelid = x.oid
  where pg_catalog.starts_with(x.relname, ${lit(prefix)}) and a.attname = called.was order by n.nspname, x.relname`
}

export function allStandSql(parts: Pick<StandingParts, 'table' | 'prefix'>): Sql {
  return sql`not exists (${barePartsSql(parts)})`
}

export function standStep(
  parts: StandingParts,
  table: Table,
  more: Pick<IndexPartsStep, 'phase' | 'does' | 'hazards'>,
): StepDraft {
  return {
    ...parts,
    ...more,
    kind: 'index_parts',
    how: 'stand',
    probe: allStandSql(parts),
    locks: leafLocks(table, parts.named === undefined ? 'share_update_exclusive' : 'access_exclusive'),
  }
}

export function dropStandingStep(parts: StandingParts, table: Table, does: string): StepDraft {
  return dropLoosePartsStep(
    { ...parts, kind: 'index_parts' },
    { phase: 'expand', does, locks: leafLocks(table, 'share_update_exclusive') },
  )
}

/** Whoever names a column of what stands locks that index, which counts for its partition. */
function leafLocks({ parts }: Table, level: LockLevel): readonly Lock[] {
  return parts
    .filter(({ kind }) => kind === 'table')
    .map(({ namespace, name }) => ({
      relation: { namespace, name },
      level,
      implied: true,
    }))
}

/** In the transaction that makes them keys: nobody makes another partition by then. */
export function allStand(parts: StandingParts): Requirement {
  return {
    that: allStandSql(parts),
    code: 'drift_found',
    otherwise: `a partition of "${parts.table.name}" that came meanwhile lacks the index that is to be its primary key`,
  }
}
