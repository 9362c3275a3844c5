import type { QualifiedName } from '../schema/model.ts'
import type { TransactionStep } from './step.ts'

/** What most transactions on the one table share. */
export function onTable(
  table: QualifiedName,
): Pick<TransactionStep, 'locks' | 'requires' | 'cost' | 'hazards'> {
  return {
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [],
    cost: 'instant',
    hazards: [],
  }
}
