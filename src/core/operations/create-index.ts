import { assert } from '../errors.ts'
import {
  chosenName,
  definitionProblems,
  inTheWay,
  type ReadIndex,
  type SoundIndex,
} from '../plan/index-checks.ts'
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
import { findTable, type Schema, withTable } from '../schema/model.ts'
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
    const index = indexOf(op, schema, facts)
    const problems = definitionProblems(index)
    if (problems.length > 0 || !isSound(index)) return problems
    const name = chosenName(index)
    if (name === undefined)
      return [refused(`"${index.table.name}" has too many indexes like this one.`, 'Give it a name.')]
    const problem = inTheWay(index, name)
    return problem === undefined ? [] : [problem]
  },

  apply: (op, schema, facts) => {
    const index = indexOf(op, schema, facts)
    if (!isSound(index)) return schema
    const { table } = index
    const others = table.indexes.filter((one) => one.name !== nameOf(index))
    return withTable(schema, { ...table, indexes: [...others, builtIndex(index, nameOf(index))] })
  },

  expand: (op, { schema, facts }) => {
    const index = soundIndex(op, schema, facts)
    const name = nameOf(index)
    const does = `build the index "${name}" of "${index.table.name}"`
    const build = buildStep(index, { namespace: index.table.namespace, name }, does)
    return [...duplicatesSteps(index, name), { ...build, hazards: buildHazards(index, facts.serverVersion) }]
  },

  backfill: () => [],

  contract: () => [],

  rollback: (op, { schema, facts }) => {
    const index = soundIndex(op, schema, facts)
    return [unbuildStep(index, { namespace: index.table.namespace, name: nameOf(index) })]
  },
}

function indexOf({ definition }: CreateIndex, schema: Schema, facts: Facts): ReadIndex {
  const text = readIndex(definition)
  return {
    text,
    table: 'problem' in text ? undefined : findTable(schema, text.table),
    tried: facts.indexes[definition],
    serverVersion: facts.serverVersion,
  }
}

function isSound(index: ReadIndex): index is ReadIndex & SoundIndex {
  const { text, table, tried } = index
  return !('problem' in text) && table !== undefined && tried !== undefined && !('problem' in tried)
}

function soundIndex(op: CreateIndex, schema: Schema, facts: Facts): SoundIndex {
  const index = indexOf(op, schema, facts)
  assert(isSound(index), 'steps come after check')
  return index
}

function nameOf(index: SoundIndex): string {
  const name = chosenName(index)
  assert(name !== undefined, 'steps come after check')
  return name
}
