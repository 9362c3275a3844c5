import { assert } from '../errors.ts'
import {
  chosenName,
  definitionProblems,
  inTheWay,
  isSound,
  readIndexOf,
  type SoundIndex,
} from '../plan/index-checks.ts'
import { dropPartsSteps, partsSteps } from '../plan/index-parts.ts'
import { buildHazards, buildStep, builtIndex, indexNeeds, unbuildStep } from '../plan/index-steps.ts'
import { readIndex } from '../plan/index-text.ts'
import type { StepDraft } from '../plan/step.ts'
import { refused } from '../plan/table-checks.ts'
import type { Context, OperationSpec } from './operation.ts'
import { withOwnIndexes } from './partition/own-index.ts'
import type { Reasoned } from './reasoned.ts'
import {
  duplicateHazards,
  indexInContract,
  indexInExpand,
  indexTakenBack,
  type NewIndex,
  whenProblems,
} from './rules/index-time.ts'
import type { RuleTime } from './rules/rule.ts'

/** Builds an index beside all work: any that PostgreSQL takes. */
export interface CreateIndex extends Reasoned {
  readonly kind: 'create_index'
  /** A CREATE INDEX statement. A table without a namespace is one of `public`; a name may be left to PostgreSQL. */
  readonly definition: string
  /** Of a unique one; `after_rollout` when absent: old instances may still write duplicates. */
  readonly when?: RuleTime
}

export const createIndex: OperationSpec<CreateIndex> = {
  needs: (op) => indexNeeds(op.definition, readIndex(op.definition), 'adds'),

  check: (op, { schema, facts }) => {
    const index = readIndexOf(op.definition, schema, facts)
    const problems = definitionProblems(index)
    if (problems.length > 0 || !isSound(index)) return problems
    const timed = whenProblems(index, op.when)
    if (timed.length > 0) return timed
    const name = chosenName(index)
    if (name === undefined)
      return [refused(`"${index.table.name}" has too many indexes like this one.`, 'Give it a name.')]
    const problem = inTheWay(index, name)
    return problem === undefined ? [] : [problem]
  },

  apply: (op, schema, facts) => {
    const index = readIndexOf(op.definition, schema, facts)
    if (!isSound(index)) return schema
    const { table } = index
    const others = table.indexes.filter((one) => one.name !== nameOf(index))
    return withOwnIndexes(schema, table, { ...table, indexes: [...others, builtIndex(index, nameOf(index))] })
  },

  expand: (op, context) => {
    const work = workFor(op, context)
    return indexInExpand(work, buildingSteps(work, context))
  },

  backfill: () => [],

  contract: (op, context) => {
    const work = workFor(op, context)
    return indexInContract(work, buildingSteps(work, context))
  },

  rollback: (op, context) => {
    const work = workFor(op, context)
    const { index, name } = work
    const steps =
      index.table.kind === 'partitioned'
        ? dropPartsSteps(index, name, context.seed)
        : [unbuildStep(index, { namespace: index.table.namespace, name })]
    return indexTakenBack(work, steps)
  },
}

function buildingSteps(work: NewIndex, { facts, seed }: Context): readonly StepDraft[] {
  const { index, name } = work
  const hazards = [...buildHazards(index, facts.serverVersion), ...duplicateHazards(work)]
  if (index.table.kind === 'partitioned') return partsSteps(index, name, { seed, hazards })
  const does = `build the index "${name}" of "${index.table.name}"`
  return [{ ...buildStep(index, { namespace: index.table.namespace, name }, does), hazards }]
}

function workFor(op: CreateIndex, { schema, facts, given }: Context): NewIndex {
  const index = readIndexOf(op.definition, schema, facts)
  assert(isSound(index), 'steps come after check')
  return { index, name: nameOf(index), when: op.when, given }
}

function nameOf(index: SoundIndex): string {
  const name = chosenName(index)
  assert(name !== undefined, 'steps come after check')
  return name
}
