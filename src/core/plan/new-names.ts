import { BellowsError } from '../errors.ts'
import { identifierProblem } from '../identifier.ts'
import { type Facts, nameKey, type QualifiedName } from '../schema/model.ts'
import { refused } from './table-checks.ts'

/** Why something new cannot have a name. `what` is what it is to be, such as `table`. */
export function newNameProblems(what: string, of: QualifiedName, facts: Facts): readonly BellowsError[] {
  const problem = identifierProblem(of.name)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The name "${of.name}" of the ${what} ${problem}.`)]
  if (facts.names?.[nameKey(of)] !== 'taken') return newThingProblems(what, of, facts)
  return [
    refused(
      `The name "${of.name}" of the ${what} is taken in "${of.namespace}", by a table, an index, a type or the like.`,
      'Choose another name, or rename what has it.',
    ),
  ]
}

/** Why nothing new can be in a namespace, whatever it is called. */
export function newThingProblems(what: string, of: QualifiedName, facts: Facts): readonly BellowsError[] {
  switch (facts.names?.[nameKey(of)]) {
    case undefined:
    case 'taken':
      return []
    case 'no_namespace':
      return [
        refused(
          `There is no namespace "${of.namespace}" for the ${what} "${of.name}".`,
          'Check the spelling, or make it first: names are taken literally, capitals included.',
        ),
      ]
    case 'not_allowed':
      return [
        refused(
          `The connected role may make nothing in the namespace "${of.namespace}".`,
          `Let it, as the owner of the namespace: grant create on schema "${of.namespace}" to <role>`,
        ),
      ]
  }
}
