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
import {
  buildHazards,
  buildStep,
  builtIndex,
  duplicatesSteps,
  indexNeeds,
  unbuildStep,
} from '../plan/index-steps.ts'
import { readIndex } from '../plan/index-text.ts'
import { refused } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import { type Schema, withTable } from '../schema/model.ts'
import type { OperationSpec } from './operation.ts'

/** Builds an index beside all work: any that PostgreSQL takes. */
export interface CreateIndex {
  readonly kind: 'create_index'
  /** A CREATE INDEX statement. A table without a namespace is one of `public`; a name may be left to PostgreSQL. */
  readonly definition: string
}

export const createIndex: OperationSpec<CreateIndex> = {
  needs: (op) => indexNeeds(op.definition, readIndex(op.definition), 'adds'),

  check: (op, { schema, facts }) => {
    const index = readIndexOf(op.definition, schema, facts)
    const problems = definitionProblems(index)
    if (problems.length > 0 || !isSound(index)) return problems
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
    return withTable(schema, { ...table, indexes: [...others, builtIndex(index, nameOf(index))] })
  },

  expand: (op, { schema, facts, seed }) => {
    const index = soundIndex(op, schema, facts)
    const name = nameOf(index)
    const does = `build the index "${name}" of "${index.table.name}"`
    const hazards = buildHazards(index, facts.serverVersion)
    const building =
      index.table.kind === 'partitioned'
        ? partsSteps(index, name, { seed, hazards })
        : [{ ...buildStep(index, { namespace: index.table.namespace, name }, does), hazards }]
    return [...duplicatesSteps(index, name), ...building]
  },

  backfill: () => [],

  contract: () => [],

  rollback: (op, { schema, facts, seed }) => {
    const index = soundIndex(op, schema, facts)
    if (index.table.kind === 'partitioned') return dropPartsSteps(index, nameOf(index), seed)
    return [unbuildStep(index, { namespace: index.table.namespace, name: nameOf(index) })]
  },
}

function soundIndex(op: CreateIndex, schema: Schema, facts: Facts): SoundIndex {
  const index = readIndexOf(op.definition, schema, facts)
  assert(isSound(index), 'steps come after check')
  return index
}

function nameOf(index: SoundIndex): string {
  const name = chosenName(index)
  assert(name !== undefined, 'steps come after check')
  return name
}
