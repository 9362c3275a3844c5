import type { Lock } from '../plan/step.ts'
import { findTable, type Schema } from '../schema/model.ts'
import type { Statements } from './statement.ts'
import { isStronger, locksOf } from './statement-locks.ts'

/** What stops writers of a table is locked ahead, in the order of the statements; views and indexes are not locked by name. */
export function stepLocks(statements: Statements, namespace: string, schema: Schema): readonly Lock[] {
  return locksOf(statements, namespace).map((lock) => {
    const table = findTable(schema, lock.relation)
    const isAhead = table?.kind === 'table' && table.owned && isStronger(lock.level, 'row_exclusive')
    return isAhead ? lock : { ...lock, implied: true }
  })
}
