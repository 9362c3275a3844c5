import { gateStep } from '../plan/retire.ts'
import { theTable } from '../plan/table-checks.ts'
import { returnStep, takeBackSteps } from './copy/back-steps.ts'
import { fillStep, installStep } from './copy/expand-steps.ts'
import { partKeysOf, standPartKeyStep } from './copy/part-keys.ts'
import { verifySteps } from './copy/verify-steps.ts'
import { identityQuestion } from './keys/identity.ts'
import { dropLinkSteps, linkSteps } from './keys/links.ts'
import { proveAnewStep } from './keys/links-again.ts'
import type { OperationSpec } from './operation.ts'
import { renameHazards, renameProblems } from './rename/checks.ts'
import { hideKeyStep, purgeKeyStep } from './rename/key-steps.ts'
import type { RenameColumn } from './rename/rename.ts'
import { renamedSchema } from './rename/renamed-schema.ts'
import { workFor } from './rename/work.ts'
import { retypeNeeds } from './retype/retype.ts'

export const renameColumn: OperationSpec<RenameColumn> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.from, op.to], follows: true }],
    ...retypeNeeds(op),
    questions: [identityQuestion({ ...op, column: op.from })],
    touches: [
      { table: theTable(op), column: op.from, how: 'replaces', follows: true },
      ...(op.to === op.from ? [] : [{ table: theTable(op), column: op.to, how: 'replaces' } as const]),
    ],
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
    return [
      ...verifySteps(work),
      ...work.key.links.flatMap((link) => linkSteps(link, 'verify')),
      gateStep(work.leaving),
      hideKeyStep(work),
      ...partKeysOf(work).map(standPartKeyStep),
      purgeKeyStep(work),
      ...work.key.anew.filter(({ key }) => key.validated).map((link) => proveAnewStep(link, 'purge')),
    ]
  },

  rollback: (op, context) => {
    const work = workFor(op, context)
    return [
      ...(work.mapping.down === undefined ? [] : [returnStep(work)]),
      ...work.key.links.flatMap(dropLinkSteps),
      ...takeBackSteps(work),
    ]
  },
}
