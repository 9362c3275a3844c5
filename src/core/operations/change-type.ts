import { assert, type BellowsError } from '../errors.ts'
import { rowHoldersQuestion } from '../plan/row-types.ts'
import { columnMissing, tableProblems, theTable } from '../plan/table-checks.ts'
import { findColumn, findTable, withTable } from '../schema/model.ts'
import { type Change, type ChangeType, changeOf, retyped } from './change-type/change.ts'
import { changeHazards, changeProblems } from './change-type/checks.ts'
import { narrowStep, widenStep } from './change-type/in-catalog.ts'
import { keysOf } from './change-type/keys/keys.ts'
import { changedKeys } from './change-type/keys/schema.ts'
import { contractKeys, expandKeys, fillKeys, takeBackKeys } from './change-type/keys/steps.ts'
import { changedTable } from './change-type/schema.ts'
import { swapBackStep, swapStep } from './change-type/steps.ts'
import { takeBackSteps } from './copy/back-steps.ts'
import { fillStep, installStep } from './copy/expand-steps.ts'
import { purgeStep } from './copy/leave-steps.ts'
import { verifySteps } from './copy/verify-steps.ts'
import { twinColumn, type Work, workUnderOneName } from './copy/work.ts'
import { identityQuestion } from './keys/identity.ts'
import { isKey } from './keys/primary-key.ts'
import type { Context, OperationSpec } from './operation.ts'
import { retypeNeeds } from './retype/retype.ts'

export const changeType: OperationSpec<ChangeType> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [op.column], follows: true }],
    ...retypeNeeds(retyped(op)),
    questions: [identityQuestion(op), rowHoldersQuestion(theTable(op))],
    touches: [{ table: theTable(op), column: op.column, how: 'replaces', follows: true }],
  }),

  check: (op, context): readonly BellowsError[] => {
    const table = findTable(context.schema, theTable(op))
    const problems = tableProblems(op, table, ['table', 'partitioned'])
    if (table === undefined || problems.length > 0) return problems
    const from = findColumn(table, op.column)
    if (from === undefined) return columnMissing(op, table, op.column)
    return changeProblems(op, table, from, context)
  },

  apply: (op, schema, facts) => {
    const table = findTable(schema, theTable(op))
    const from = table === undefined ? undefined : findColumn(table, op.column)
    if (table === undefined || from === undefined) return schema
    const change = changeOf(op, table, from, facts)
    if ('problem' in change) return schema
    return change.by === 'copy' && isKey(schema, table, from)
      ? changedKeys(op, schema, change, facts)
      : withTable(schema, changedTable(table, from, change, { op, facts }))
  },

  expand: (op, context) => {
    const { table, from, change, keys } = found(op, context)
    if (change.by === 'catalog') return [widenStep(table, from, change.target)]
    if (change.by === 'nothing') return []
    if (keys !== undefined) return expandKeys(op, keys)
    const work = workFor(op, context, change)
    return [
      installStep(work, {
        does: `keep a copy of "${op.column}" of "${op.table}" in step, as "${work.to}"`,
        hazards: changeHazards(op, work),
        state: 'closed',
      }),
    ]
  },

  backfill: (op, context) => {
    const { change, keys } = found(op, context)
    if (change.by !== 'copy') return []
    return keys === undefined ? [fillStep(workFor(op, context, change))] : fillKeys(keys)
  },

  contract: (op, context) => {
    const { change, keys } = found(op, context)
    if (change.by !== 'copy') return []
    if (keys !== undefined) return contractKeys(keys)
    const work = workFor(op, context, change)
    return [...verifySteps(work), swapStep(work), purgeStep(work)]
  },

  rollback: (op, context) => {
    const { table, from, change, keys } = found(op, context)
    if (change.by === 'catalog') return [narrowStep(table, from, change.target)]
    if (change.by === 'nothing') return []
    if (keys !== undefined) return takeBackKeys(keys)
    const work = workFor(op, context, change)
    return change.mapping.down === undefined
      ? takeBackSteps(work)
      : [swapBackStep(work), ...takeBackSteps(work)]
  },
}

function found(op: ChangeType, context: Context) {
  const { schema, facts } = context
  const table = findTable(schema, theTable(op))
  const from = table === undefined ? undefined : findColumn(table, op.column)
  assert(table !== undefined && from !== undefined, 'steps come after check')
  const change = changeOf(op, table, from, facts)
  assert(!('problem' in change), 'steps come after check')
  const isOfKey = change.by === 'copy' && isKey(schema, table, from)
  return { table, from, change, keys: isOfKey ? keysOf(op, context, change) : undefined }
}

function workFor(
  op: ChangeType,
  context: Context,
  { target, mapping }: Extract<Change, { by: 'copy' }>,
): Work {
  const { table, from } = found(op, context)
  const { notNull, ...type } = target
  return workUnderOneName({
    table,
    fromColumn: from,
    toColumn: twinColumn(from, type, { name: op.column, collation: target.collation }),
    adopted: false,
    mapping,
    notNull,
    changesValues: op.up !== undefined,
    ...(op.unsafe === undefined ? {} : { unsafe: op.unsafe }),
    context,
  })
}
