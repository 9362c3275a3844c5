import { gateStep } from '../plan/retire.ts'
import { theTable } from '../plan/table-checks.ts'
import { returnStep, takeBackSteps } from './copy/back-steps.ts'
import { fillStep, installStep } from './copy/expand-steps.ts'
import { hideStep, purgeStep } from './copy/leave-steps.ts'
import { verifySteps } from './copy/verify-steps.ts'
import type { OperationSpec } from './operation.ts'
import { renameHazards, renameProblems } from './rename/checks.ts'
import type { RenameColumn } from './rename/rename.ts'
import { renamedSchema } from './rename/renamed-schema.ts'
import { workFor } from './rename/work.ts'
import { retypeNeeds } from './retype/retype.ts'

export const renameColumn: OperationSpec<RenameColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.from] }],
    ...retypeNeeds(op),
    touches: [...new Set([op.from, op.to])].map((column) => ({
      table: theTable(op),
      column,
      how: 'replaces',
    })),
  }),

  check: renameProblems,

  apply: renamedSchema,

  expand: (op, context) => {
    const work = workFor(op, context)
    return [
      installStep(work, {
        does: `${work.adopted ? 'keep' : `add the column "${op.to}" and keep`} "${op.from}" and "${op.to}" of "${op.table}" in step`,
        hazards: renameHazards(op, work),
        state: work.mapping.down === undefined ? 'closed' : 'not_ready',
      }),
    ]
  },

  backfill: (op, context) => [fillStep(workFor(op, context))],

  contract: (op, context) => {
    const work = workFor(op, context)
    return [...verifySteps(work), gateStep(work.leaving), hideStep(work), purgeStep(work)]
  },

  rollback: (op, context) => {
    const work = workFor(op, context)
    return work.mapping.down === undefined ? takeBackSteps(work) : [returnStep(work), ...takeBackSteps(work)]
  },
}
