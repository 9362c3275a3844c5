import type { BellowsError } from '../errors.ts'
import { type DatabaseObject, madeObject, namedObject, shownObject } from '../objects/database-object.ts'
import { permissivePoliciesQuestion } from '../objects/object-catalog.ts'
import type { Migration, Operation } from '../operations/migration.ts'
import type { Facts } from '../schema/facts.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { readStatements } from '../statements/statement.ts'
import { refused } from './table-checks.ts'

/** Where row security is on, nobody sees a row that no permissive policy lets through: the last one does not just go. */
export function policyProblems({ operations }: Migration, facts: Facts): readonly BellowsError[] {
  const dropped = operations.flatMap((op) => droppedPolicy(op) ?? [])
  const made = operations.flatMap((op) => madePermissive(op) ?? [])
  return dropped.flatMap((policy, at) => {
    const answer = facts.answers[permissivePoliciesQuestion(policy.on)]
    const standing = answer === undefined || 'problem' in answer ? [] : answer.map(({ name }) => String(name))
    const ofTable = (one: OfTable) => isSameName(one.on, policy.on)
    const gone = dropped.slice(0, at + 1).filter(ofTable)
    const isLast =
      standing.includes(policy.name.name) &&
      standing.every((name) => gone.some((one) => one.name.name === name)) &&
      !made.some(ofTable)
    if (!isLast) return []
    return [
      refused(
        `The ${shownObject(policy)} is the last permissive one, and row security is on: without it nobody but the owner sees a row of ${shown(policy.on.name)}.`,
        'Create the policy that takes its place in the same migration, or disable row security first.',
      ),
    ]
  })
}

type OfTable = DatabaseObject & { readonly on: QualifiedName }

function droppedPolicy(op: Operation): OfTable | undefined {
  const object = op.kind === 'drop_object' ? namedObject(op.object, op.namespace) : undefined
  return object === undefined || 'problem' in object ? undefined : policyOnly(object)
}

function madePermissive(op: Operation): OfTable | undefined {
  const read = op.kind === 'create_object' ? readStatements(op.definition) : { problem: '' }
  const statement = 'problem' in read ? undefined : read[0]
  if (op.kind !== 'create_object' || statement === undefined || !('CreatePolicyStmt' in statement))
    return undefined
  const object =
    statement.CreatePolicyStmt.permissive === true ? madeObject(statement, op.namespace) : undefined
  return object === undefined ? undefined : policyOnly(object)
}

function policyOnly(object: DatabaseObject): OfTable | undefined {
  const { kind, on } = object
  return kind === 'policy' && on !== undefined ? { ...object, on } : undefined
}
