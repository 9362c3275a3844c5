import { findTable, isSameName, type Schema, type Table } from '../schema/model.ts'
import type { Lock, StepDraft } from './step.ts'

/**
 * A step as it is where its table is partitioned: `LOCK TABLE` takes the partitions along, in the order in which PostgreSQL
 * itself goes through them, and rows are in the partitions, each of which has a file of its own.
 */
export function overPartitions(draft: StepDraft, schema: Schema): StepDraft {
  if ('locks' in draft)
    return { ...draft, locks: draft.locks.flatMap((lock) => withPartitions(lock, draft.locks, schema)) }
  const isOfRows = draft.kind === 'backfill' || draft.kind === 'verify'
  return isOfRows && partitioned(draft.table, schema) !== undefined ? { ...draft, byPartition: true } : draft
}

function withPartitions(lock: Lock, all: readonly Lock[], schema: Schema): readonly Lock[] {
  const isAlone = lock.implied === true || lock.only === true
  const parts = isAlone ? [] : (partitioned(lock.relation, schema)?.parts ?? [])
  const isSaid = (part: Lock['relation']) =>
    all.some(({ relation, level }) => isSameName(relation, part) && level === lock.level)
  return [
    lock,
    ...parts
      .filter((part) => !isSaid(part))
      .map(({ namespace, name }) => ({
        relation: { namespace, name },
        level: lock.level,
        implied: true as const,
      })),
  ]
}

function partitioned(of: Lock['relation'], schema: Schema): Table | undefined {
  const table = findTable(schema, of)
  return table?.kind === 'partitioned' ? table : undefined
}
