import { type DatabaseObject, shownObject } from '../../objects/database-object.ts'
import { isNotLastPolicy, permissivePoliciesQuestion } from '../../objects/object-catalog.ts'
import type { Requirement } from '../../plan/step.ts'
import type { QualifiedName } from '../../schema/model.ts'
import type { Sql } from '../../sql.ts'
import { readStatements } from '../../statements/statement.ts'
import { type Defining, objectOf } from './definition.ts'

/** A policy, with the table that it is on. */
export type Policy = DatabaseObject & { readonly on: QualifiedName }

export function policyOnly(object: DatabaseObject | undefined): Policy | undefined {
  if (object === undefined) return undefined
  const { kind, on } = object
  return kind === 'policy' && on !== undefined ? { ...object, on } : undefined
}

/** The policy that a definition makes, if it is of that sort: `permissive` lets rows through, and `restrictive` only takes some away. */
export function definedPolicy(op: Defining, sort: 'permissive' | 'restrictive'): Policy | undefined {
  const read = readStatements(op.definition)
  const statement = 'problem' in read ? undefined : read[0]
  if (statement === undefined || !('CreatePolicyStmt' in statement)) return undefined
  const isPermissive = statement.CreatePolicyStmt.permissive === true
  return isPermissive === (sort === 'permissive') ? policyOnly(objectOf(op)) : undefined
}

export function policyQuestions(object: DatabaseObject | undefined): readonly Sql[] {
  const policy = policyOnly(object)
  return policy === undefined ? [] : [permissivePoliciesQuestion(policy.on)]
}

/** For the transaction in which a policy goes, or lets no rows through any more. */
export function notLastPolicy(object: DatabaseObject | undefined): readonly Requirement[] {
  const policy = policyOnly(object)
  if (policy === undefined) return []
  return [
    {
      that: isNotLastPolicy(policy.on, policy.name.name),
      code: 'drift_found',
      otherwise: `the ${shownObject(policy)} has become the last permissive one, without which nobody but the owner sees a row`,
    },
  ]
}
