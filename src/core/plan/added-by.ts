import { type Leaver, type Step, tableOf } from './step.ts'

/** What a step adds in the transaction that records it: found there without the record, it is of somebody else. */
export function addedBy(step: Step): Leaver | undefined {
  switch (step.changes?.kind) {
    case 'added':
      return { table: tableOf(step), column: step.changes.column }
    case 'created':
      return { table: tableOf(step) }
    case 'renamed':
      return { table: { ...tableOf(step), name: step.changes.to } }
    default:
      return undefined
  }
}
