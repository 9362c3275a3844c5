import { BellowsError } from '../errors.ts'
import { identifierProblem } from '../identifier.ts'
import { type Facts, type NameProblem, nameKey } from '../schema/facts.ts'
import type { QualifiedName } from '../schema/model.ts'
import { refused } from './table-checks.ts'

/** Why something new cannot have a name. `what` is what it is to be, such as `table`. */
export function newNameProblems(what: string, of: QualifiedName, facts: Facts): readonly BellowsError[] {
  const problem = identifierProblem(of.name)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The name "${of.name}" of the ${what} ${problem}.`)]
  const inTheWay: NameProblem | undefined = facts.names[nameKey(of)]
  switch (inTheWay) {
    case undefined:
      return []
    case 'taken':
      return [
        refused(
          `The name "${of.name}" of the ${what} is taken in "${of.namespace}", by a table, an index, a type or the like.`,
          'Choose another name, or rename what has it.',
        ),
      ]
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
