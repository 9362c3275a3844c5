import type { BellowsError } from '../errors.ts'
import { namedObject, shownObject } from '../objects/database-object.ts'
import { permissivePoliciesQuestion } from '../objects/object-catalog.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import { definedPolicy, type Policy, policyOnly } from '../operations/object/policies.ts'
import type { Facts } from '../schema/facts.ts'
import { isSameName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { refused } from './table-checks.ts'

/** Where row security is on, nobody sees a row that no permissive policy lets through: the last one does not just go. */
export function policyProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  const gone = policiesOf(operations, gonePolicy)
  const made = policiesOf(operations, madePolicy)
  return gone.flatMap(({ policy, op, at }) => {
    const answer = facts.answers[permissivePoliciesQuestion(policy.on)]
    const standing = answer === undefined || 'problem' in answer ? [] : answer.map(({ name }) => String(name))
    const ofTable = (one: Placed) => isSameName(one.policy.on, policy.on)
    const before = gone.filter((one) => ofTable(one) && one.at <= at)
    // What is replaced changes in the order of the operations; before that everything is made, and behind it everything dropped.
    const isThere = (one: Placed) =>
      ofTable(one) && (one.op.kind === 'create_object' || op.kind === 'drop_object' || one.at < at)
    const isLast =
      standing.includes(policy.name.name) &&
      standing.every((name) => before.some((one) => one.policy.name.name === name)) &&
      !made.some(isThere)
    if (!isLast) return []
    return [
      refused(
        `The ${shownObject(policy)} is the last permissive one, and row security is on: without it nobody but the owner sees a row of ${shown(policy.on.name)}.`,
        'Create the policy that takes its place in the same migration, or disable row security first.',
      ),
    ]
  })
}

interface Placed {
  readonly policy: Policy
  readonly op: Operation
  readonly at: number
}

function policiesOf(
  operations: readonly Operation[],
  which: (op: Operation) => Policy | undefined,
): readonly Placed[] {
  return operations.flatMap((op, at) => {
    const policy = which(op)
    return policy === undefined ? [] : [{ policy, op, at }]
  })
}

/** The policy that is gone, or lets no rows through any more. */
function gonePolicy(op: Operation): Policy | undefined {
  if (op.kind === 'replace_object') return definedPolicy(op, 'restrictive')
  const object = op.kind === 'drop_object' ? namedObject(op.object, op.namespace) : undefined
  return object === undefined || 'problem' in object ? undefined : policyOnly(object)
}

/** What is permissive already stands among those of the table. */
function madePolicy(op: Operation): Policy | undefined {
  return op.kind === 'create_object' || op.kind === 'replace_object'
    ? definedPolicy(op, 'permissive')
    : undefined
}
