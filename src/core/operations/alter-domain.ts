import { assert } from '../errors.ts'
import type { Facts } from '../schema/facts.ts'
import { type AlterDomain, domainNeeds, domainProblems, type Known, knownDomain } from './domain/domain.ts'
import {
  checkBackSteps,
  checkSteps,
  defaultBackSteps,
  defaultSteps,
  dropCheckSteps,
  lateLookSteps,
  lookSteps,
} from './domain/steps.ts'
import type { OperationSpec } from './operation.ts'

export type { AlterDomain } from './domain/domain.ts'

export const alterDomain: OperationSpec<AlterDomain> = {
  needs: domainNeeds,

  check: (op, { facts }) => domainProblems(op, facts),

  apply: (_op, schema) => schema,

  expand: (op, { facts }) => {
    const known = found(op, facts)
    return [
      ...lookSteps(op, known, 'expand'),
      ...defaultSteps(op, known, facts).filter(({ phase }) => phase === 'expand'),
    ]
  },

  backfill: () => [],

  contract: (op, { facts }) => {
    const known = found(op, facts)
    return [
      ...lookSteps(op, known, 'retire'),
      ...checkSteps(op),
      ...lateLookSteps(op, known),
      ...defaultSteps(op, known, facts).filter(({ phase }) => phase === 'retire'),
      ...dropCheckSteps(op, known),
    ]
  },

  rollback: (op, { facts }) => [...defaultBackSteps(op, found(op, facts), facts), ...checkBackSteps(op)],
}

function found(op: AlterDomain, facts: Facts): Known {
  const known = knownDomain(op, facts)
  assert(known !== undefined, 'steps come after check')
  return known
}
