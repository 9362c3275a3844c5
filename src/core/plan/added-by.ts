import { tableOf } from './changed-table.ts'
import type { Leaver } from './leaver.ts'
import { changesOf, type Step } from './step.ts'

/** What a step adds in the transaction that records it: found there without the record, it is of somebody else. */
export function addedBy(step: Step): readonly Leaver[] {
  return changesOf(step).flatMap((change): readonly Leaver[] => {
    switch (change.kind) {
      case 'added':
        return [{ table: tableOf(step), column: change.column }]
      case 'created':
        return [{ table: tableOf(step) }]
      case 'renamed':
        return [{ table: { ...tableOf(step), name: change.to } }]
      default:
        return []
    }
  })
}
