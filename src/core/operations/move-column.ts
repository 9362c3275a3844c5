import { moveProblems } from './move/checks.ts'
import { expandSteps, fillSteps } from './move/expand-steps.ts'
import { leaveSteps, rollbackSteps } from './move/leave-steps.ts'
import { linksQuestion, type MoveColumn, sourceOf, targetOf } from './move/move.ts'
import { movedSchema } from './move/schema.ts'
import { verifySteps } from './move/verify-steps.ts'
import { workFor } from './move/work.ts'
import type { OperationSpec } from './operation.ts'

export type { MoveColumn } from './move/move.ts'

export const moveColumn: OperationSpec<MoveColumn> = {
  needs: (op) => ({
    tables: [
      { ...sourceOf(op), columns: [op.from.column] },
      { ...targetOf(op), columns: [] },
    ],
    questions: [linksQuestion(op)],
    touches: [
      { table: sourceOf(op), column: op.from.column, how: 'replaces' },
      { table: targetOf(op), column: op.to.column, how: 'replaces' },
      ...op.on.flatMap((pair) => [
        { table: sourceOf(op), column: pair.source, how: 'uses' as const },
        { table: targetOf(op), column: pair.target, how: 'uses' as const },
      ]),
    ],
  }),

  check: moveProblems,

  apply: movedSchema,

  expand: (op, context) => expandSteps(workFor(op, context)),

  backfill: (op, context) => fillSteps(workFor(op, context)),

  contract: (op, context) => {
    const work = workFor(op, context)
    return [...verifySteps(work), ...leaveSteps(work)]
  },

  rollback: (op, context) => rollbackSteps(workFor(op, context)),
}
