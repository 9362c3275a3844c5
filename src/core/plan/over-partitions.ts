import { findTable, isSameName, type QualifiedName, type Schema } from '../schema/model.ts'
import { nameOf } from '../schema/name-of.ts'
import type { Lock, LockLevel, StepDraft } from './step.ts'

/**
 * A step as it is where its table is partitioned: `LOCK TABLE` takes the partitions along, in the order in which PostgreSQL
 * itself goes through them, and rows are in the partitions, each of which has a file of its own.
 */
export function overPartitions(draft: StepDraft, schema: Schema): StepDraft {
  if ('locks' in draft)
    return { ...draft, locks: draft.locks.flatMap((lock) => withPartitions(lock, draft.locks, schema)) }
  const isOfRows = draft.kind === 'backfill' || draft.kind === 'verify'
  return isOfRows && partsOf(draft.table, schema) !== undefined ? { ...draft, byPartition: true } : draft
}

function withPartitions(lock: Lock, all: readonly Lock[], schema: Schema): readonly Lock[] {
  // To prove a foreign key PostgreSQL reads the partitions with the table that it locks for that.
  const level = lock.implied === true && lock.level === 'row_share' ? 'access_share' : lock.level
  const isSaid = (part: Lock['relation']) =>
    all.some((other) => isSameName(other.relation, part) && other.level === level)
  return [
    lock,
    ...partsLocked(lock, schema)
      .filter((part) => !isSaid(part))
      .map(({ namespace, name }) => ({
        relation: { namespace, name },
        level,
        implied: true as const,
        partOf: nameOf(lock.relation),
      })),
  ]
}

/** How a foreign key locks the table that it points at: as it comes, as it is proved, and as it goes. */
const OF_KEYS: ReadonlySet<LockLevel> = new Set(['share_row_exclusive', 'row_share', 'access_exclusive'])

function partsLocked(lock: Lock, schema: Schema): readonly QualifiedName[] {
  if (lock.only === true) return []
  if (lock.implied !== true) return partsOf(lock.relation, schema) ?? []
  // A foreign key that comes or goes has a trigger on each partition of the table that it points at.
  if (!OF_KEYS.has(lock.level)) return []
  // Of a plain table nothing is looked for: a migration may have thousands.
  if (findTable(schema, lock.relation)?.kind === 'table') return []
  return partsOf(lock.relation, schema) ?? partnerParts(lock.relation, schema)
}

function partsOf(of: QualifiedName, schema: Schema): readonly QualifiedName[] | undefined {
  const table = findTable(schema, of)
  return table?.kind === 'partitioned' ? table.parts : undefined
}

/** Of a table that the migration knows by the foreign keys alone that point at it. */
function partnerParts(of: QualifiedName, { tables }: Schema): readonly QualifiedName[] {
  for (const { constraints } of tables)
    for (const { references, partnerParts: parts } of constraints)
      if (parts && references !== null && isSameName(references, of)) return parts
  return []
}
