import { behindGate } from '../plan/behind-gate.ts'
import { ofEverybody } from '../plan/leaver.ts'
import { findColumn, findTable, withTable } from '../schema/model.ts'
import { contractKeys, expandTogether, fillKeys, takeBackKeys } from './change-type/keys/steps.ts'
import { twinTable } from './copy/twin-schema.ts'
import { enumNeeds, shownType, theType } from './enum/enum.ts'
import type { OperationSpec } from './operation.ts'
import { typeQuestion } from './remove-enum-value/catalog.ts'
import { removalProblems } from './remove-enum-value/checks.ts'
import { membersOf, type RemoveEnumValue } from './remove-enum-value/removal.ts'
import {
  asLongAsNothingElseHasIt,
  dropTypeStep,
  makeTypeStep,
  memberHazards,
  removalOf,
  takeTypeBackStep,
} from './remove-enum-value/steps.ts'

export type { RemoveEnumValue } from './remove-enum-value/removal.ts'

export const removeEnumValue: OperationSpec<RemoveEnumValue> = {
  needs: (op) => {
    const { questions = [], ...needs } = enumNeeds(op, [{ value: op.value, how: 'replaces' }])
    return {
      ...needs,
      ofTypes: [theType(op)],
      questions: [...questions, typeQuestion(theType(op), op.value)],
    }
  },

  check: removalProblems,

  apply: (op, schema, facts) =>
    membersOf(op, facts, schema).reduce((before, { table: { namespace, name }, from: { name: column } }) => {
      const table = findTable(before, { namespace, name })
      const from = table === undefined ? undefined : findColumn(table, column)
      if (table === undefined || from === undefined) return before
      return withTable(before, twinTable(table, { from: column, to: column }, from))
    }, schema),

  expand: (op, context) => {
    const removal = removalOf(op, context)
    return [makeTypeStep(removal), ...expandTogether(removal.keys, memberHazards)]
  },

  backfill: (op, context) => fillKeys(removalOf(op, context).keys),

  contract: (op, context) => {
    const removal = removalOf(op, context)
    const leaver = ofEverybody(`the value '${op.value}' of ${shownType(op)}`)
    return [
      ...contractKeys(removal.keys).flatMap((step) =>
        step.kind === 'retire'
          ? behindGate(leaver, step)
          : [step.kind === 'purge' ? asLongAsNothingElseHasIt(step, removal) : step],
      ),
      dropTypeStep(removal),
    ]
  },

  rollback: (op, context) => {
    const removal = removalOf(op, context)
    const [swapBack, ...takeBack] = takeBackKeys(removal.keys)
    return [
      ...(swapBack === undefined ? [] : [swapBack]),
      ...takeBack.map((step) => asLongAsNothingElseHasIt(step, removal)),
      takeTypeBackStep(removal),
    ]
  },
}
