import type { Table } from '../schema/model.ts'
import { lit, regclass, type Sql, sql } from '../sql.ts'
import { onBoth } from './constraint-steps.ts'
import { wholeTree } from './locks.ts'
import type { ForeignKeyPartsStep, Lock } from './step.ts'

type Of = Pick<ForeignKeyPartsStep, 'table' | 'name'>

/** Partitions with rows, each with the key of this name that it has for itself or from its table. */
function leavesSql({ table, name }: Of): Sql {
  return sql`pg_catalog.pg_partition_tree(${regclass(table)}) t
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.conname = ${lit(name)} and k.contype = 'f' where t.isleaf`
}

/** One that lacks the key, or its proof. */
export function lackingKeySql(of: Of): Sql {
  return sql`select n.nspname as namespace, c.relname as name, k.oid is not null as "isPut" from ${leavesSql(of)} and k.convalidated is not true order by k.oid is null, c.oid limit 1`
}

export function allKeysProvedSql(of: Of): Sql {
  return sql`not exists (select from ${leavesSql(of)} and k.convalidated is not true)`
}

/** Those that partitions have for themselves. */
export function looseKeysSql(of: Of): Sql {
  return sql`select n.nspname as namespace, c.relname as name from ${leavesSql(of)} and k.conparentid = 0 order by c.oid`
}

/** In the moment in which the table takes over the keys of its partitions, the triggers of these on the other table go. */
export function keyPartLocks(table: Table, other: Pick<Table, 'namespace' | 'name'>): readonly Lock[] {
  return [
    ...onBoth(table, other, ['share_row_exclusive', 'access_exclusive']),
    ...wholeTree(table)
      .slice(1)
      .map(({ relation }) => ({ relation, level: 'share_row_exclusive' as const, implied: true as const })),
  ]
}
