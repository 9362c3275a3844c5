import { assert } from '../errors.ts'
import { behindGate } from '../plan/behind-gate.ts'
import { indexedProblems } from '../plan/index-checks.ts'
import {
  constraintProblems,
  findIndex,
  indexMissing,
  leavingIndex,
  leavingIndexHazards,
  leavingProblems,
} from '../plan/index-leaving.ts'
import { dropWhole } from '../plan/index-parts.ts'
import { indexIsAsPlanned, relationAbsent } from '../plan/probes.ts'
import type { Requirement } from '../plan/step.ts'
import { theTable } from '../plan/table-checks.ts'
import { findTable, isSameName, type QualifiedName } from '../schema/model.ts'
import type { OperationSpec } from './operation.ts'
import { partOfWholeProblems, wholeQuestion, withOwnIndexes } from './partition/own-index.ts'
import type { Reasoned } from './reasoned.ts'

/** Drops an index at the very end, when no old version needs it any more. */
export interface DropIndex extends Reasoned {
  readonly kind: 'drop_index'
  readonly namespace: string
  readonly table: string
  readonly index: string
}

export const dropIndex: OperationSpec<DropIndex> = {
  needs: (op) => ({
    tables: [{ ...theTable(op), columns: [] }],
    questions: [wholeQuestion(theIndex(op))],
    touches: [{ table: { namespace: op.namespace, name: op.index }, how: 'replaces' }],
  }),

  check: (op, { schema, facts }) => {
    const table = findTable(schema, theTable(op))
    const problems = indexedProblems(op, table)
    if (table === undefined || problems.length > 0) return problems
    const index = findIndex(table, op.index)
    if (index === undefined) return [indexMissing(table, op.index)]
    return [
      ...constraintProblems(index, 'drop_constraint'),
      ...partOfWholeProblems(theIndex(op), facts),
      ...leavingProblems(table, index),
    ]
  },

  apply: (op, schema) => {
    const table = findTable(schema, theTable(op))
    if (table === undefined) return schema
    const indexes = table.indexes.filter(({ name }) => name !== op.index)
    return withOwnIndexes(schema, table, { ...table, indexes })
  },

  expand: () => [],

  backfill: () => [],

  contract: (op, { schema, renamedBehind = [] }) => {
    const table = findTable(schema, theTable(op))
    const index = table === undefined ? undefined : findIndex(table, op.index)
    assert(table !== undefined && index !== undefined, 'steps come after check')
    const name = theIndex(op)
    const hidden = renamedBehind.filter((one) => isSameName(one.table, table))
    const requires: readonly Requirement[] = [
      {
        that: indexIsAsPlanned(name, index.definition, hidden),
        code: 'drift_found',
        otherwise: `the index "${op.index}" is another one than when the plan was made`,
      },
    ]
    const drop = dropWhole(table, name, `drop the index "${op.index}" of "${op.table}"`)
    return behindGate(leavingIndex(table, index), {
      ...drop,
      phase: 'purge',
      hazards: [...drop.hazards, ...leavingIndexHazards(table, index)],
      probe: relationAbsent(name),
      requires: [...requires, ...drop.requires],
    })
  },

  rollback: () => [],
}

function theIndex({ namespace, index: name }: DropIndex): QualifiedName {
  return { namespace, name }
}
