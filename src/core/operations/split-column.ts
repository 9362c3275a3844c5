import { theTable } from '../plan/table-checks.ts'
import type { OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'
import { reshapeHazards, reshapeProblems } from './reshape/checks.ts'
import { expandSteps, fillSteps } from './reshape/expand-steps.ts'
import { leaveSteps, rollbackSteps } from './reshape/leave-steps.ts'
import { type NewColumn, type Reshape, reshapeNeeds } from './reshape/reshape.ts'
import { reshapedSchema } from './reshape/schema.ts'
import { verifySteps } from './reshape/verify-steps.ts'
import { workFor } from './reshape/work.ts'

/** Makes several columns out of one, which is hidden and dropped when nobody needs it any more. */
export interface SplitColumn extends Reasoned {
  readonly kind: 'split_column'
  readonly namespace: string
  readonly table: string
  readonly from: string
  readonly to: readonly NewColumn[]
  /** The old value, as an SQL expression over the new columns. */
  readonly down: string
}

export const splitColumn: OperationSpec<SplitColumn> = {
  needs: (op) => reshapeNeeds(shapeOf(op)),

  check: (op, context) => reshapeProblems(shapeOf(op), context),

  apply: (op, schema, facts) => reshapedSchema(shapeOf(op), schema, facts),

  expand: (op, context) =>
    expandSteps(workFor(shapeOf(op), context), reshapeHazards(shapeOf(op), context.schema)),

  backfill: (op, context) => fillSteps(workFor(shapeOf(op), context)),

  contract: (op, context) => {
    const work = workFor(shapeOf(op), context)
    return [...verifySteps(work), ...leaveSteps(work)]
  },

  rollback: (op, context) => rollbackSteps(workFor(shapeOf(op), context)),
}

function shapeOf(op: SplitColumn): Reshape {
  return { table: theTable(op), olds: [{ name: op.from, down: op.down }], news: op.to }
}
