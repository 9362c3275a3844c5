import type { QualifiedName, Table } from '../schema/model.ts'
import { qualified } from '../sql.ts'
import { LOCK_LEVELS, type Lock, type LockLevel } from './step.ts'

/** Which table locks exclude each other. Source: table 13.2 of the PostgreSQL manual. */
const CONFLICTS: Readonly<Record<LockLevel, readonly LockLevel[]>> = {
  access_share: ['access_exclusive'],
  row_share: ['exclusive', 'access_exclusive'],
  row_exclusive: ['share', 'share_row_exclusive', 'exclusive', 'access_exclusive'],
  share_update_exclusive: [
    'share_update_exclusive',
    'share',
    'share_row_exclusive',
    'exclusive',
    'access_exclusive',
  ],
  share: ['row_exclusive', 'share_update_exclusive', 'share_row_exclusive', 'exclusive', 'access_exclusive'],
  share_row_exclusive: [
    'row_exclusive',
    'share_update_exclusive',
    'share',
    'share_row_exclusive',
    'exclusive',
    'access_exclusive',
  ],
  exclusive: [
    'row_share',
    'row_exclusive',
    'share_update_exclusive',
    'share',
    'share_row_exclusive',
    'exclusive',
    'access_exclusive',
  ],
  access_exclusive: LOCK_LEVELS,
}

export function conflictsWith(level: LockLevel): readonly LockLevel[] {
  return CONFLICTS[level]
}

/** `access_exclusive` as LOCK TABLE writes it: `access exclusive`. */
export function lockWords(level: LockLevel): string {
  return level.replaceAll('_', ' ')
}

/** `access_exclusive` as `pg_locks.mode` writes it: `AccessExclusiveLock`. */
export function lockMode(level: LockLevel): string {
  return `${level
    .split('_')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join('')}Lock`
}

/** A table without its partitions, of which each has its own name, comment and replica identity. */
export function aloneLock(
  { namespace, name, kind }: Pick<Table, 'namespace' | 'name' | 'kind'>,
  level: LockLevel,
): Lock {
  return { relation: { namespace, name }, level, ...(kind === 'partitioned' ? { only: true } : {}) }
}

/** Each table once, and in one order for everybody who locks several. */
export function inLockOrder(tables: readonly QualifiedName[]): readonly QualifiedName[] {
  const byName = new Map(tables.map((table) => [qualified(table), table]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, table]) => table)
}

/** A table to itself. The lock of a partitioned one takes its partitions along. */
export function wholeTree({
  namespace,
  name,
  parts,
}: QualifiedName & { readonly parts: readonly QualifiedName[] }): readonly Lock[] {
  const level = 'access_exclusive' as const
  return [
    { relation: { namespace, name }, level },
    ...parts.map((part) => ({
      relation: { namespace: part.namespace, name: part.name },
      level,
      implied: true as const,
      partOf: { namespace, name },
    })),
  ]
}
