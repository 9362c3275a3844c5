import { theTable } from '../plan/table-checks.ts'
import type { OperationSpec } from './operation.ts'
import type { Reasoned } from './reasoned.ts'
import { reshapeHazards, reshapeProblems } from './reshape/checks.ts'
import { expandSteps, fillSteps } from './reshape/expand-steps.ts'
import { leaveSteps, rollbackSteps } from './reshape/leave-steps.ts'
import { type OldColumn, type Reshape, reshapeNeeds } from './reshape/reshape.ts'
import { reshapedSchema } from './reshape/schema.ts'
import { verifySteps } from './reshape/verify-steps.ts'
import { workFor } from './reshape/work.ts'

/** Makes one column out of several, which are hidden and dropped when nobody needs any of them. */
export interface MergeColumns extends Reasoned {
  readonly kind: 'merge_columns'
  readonly namespace: string
  readonly table: string
  readonly from: readonly OldColumn[]
  readonly to: string
  /** As in SQL, such as `varchar(20)`. */
  readonly type: string
  readonly nullable: boolean
  /** The new value, as an SQL expression over the old columns. */
  readonly up: string
}

export const mergeColumns: OperationSpec<MergeColumns> = {
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

function shapeOf(op: MergeColumns): Reshape {
  const { to: name, type, nullable, up } = op
  return { table: theTable(op), olds: op.from, news: [{ name, type, nullable, up }] }
}
