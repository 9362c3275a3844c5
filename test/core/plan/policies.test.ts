import { describe, expect, test } from 'vitest'
import { permissivePoliciesQuestion } from '../../../src/core/objects/object-catalog.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { policyProblems } from '../../../src/core/plan/policies.ts'
import { facts, told, USERS } from '../../support/model.ts'

const drop = (name: string): Operation => ({
  kind: 'drop_object',
  namespace: 'public',
  object: `policy ${name} on users`,
})
const create = (definition: string): Operation => ({ kind: 'create_object', namespace: 'public', definition })

const replace = (definition: string): Operation => ({
  kind: 'replace_object',
  namespace: 'public',
  definition,
})

/** On a table that has these permissive policies, and row security. */
function problems(standing: readonly string[], ...operations: readonly Operation[]) {
  const answers = { [permissivePoliciesQuestion(USERS)]: standing.map((name) => ({ name })) }
  return told(policyProblems({ name: 'm', operations }, facts({ answers })))
}

describe('a policy by which somebody sees rows', () => {
  const refusal = [
    'plan_refused',
    'The policy own on public.users is the last permissive one, and row security is on: without it nobody but the owner sees a row of users.',
  ]

  test.each<[string, readonly string[], readonly Operation[]]>([
    ['alone', ['own'], [drop('own')]],
    ['with all others', ['other', 'own'], [drop('other'), drop('own')]],
    ['for a restrictive one', ['own'], [create('create policy new on users as restrictive'), drop('own')]],
    ['for one of another table', ['own'], [create('create policy new on teams'), drop('own')]],
    ['by another definition', ['own'], [replace('create policy own on users as restrictive')]],
    [
      'by another definition, which one that changes behind it follows',
      ['own'],
      [replace('create policy own on users as restrictive'), replace('create policy new on users')],
    ],
    ['for something else', ['own'], [create('create view v as select 1'), drop('own')]],
  ])('is not dropped as the last one, %s', (_how, standing, operations) => {
    expect(problems(standing, ...operations)).toEqual([refusal])
  })

  test.each<[string, readonly string[], readonly Operation[]]>([
    ['another one stands', ['other', 'own'], [drop('own')]],
    ['another one is made', ['own'], [create('create policy new on users'), drop('own')]],
    [
      'one that is not gets that definition before',
      ['own'],
      [replace('create policy new on users'), replace('create policy own on users as restrictive')],
    ],
    ['its definition is another one of the same sort', ['own'], [replace('create policy own on users')]],
    ['it is restrictive itself, or row security is off', [], [drop('own')]],
    [
      'something else is dropped',
      ['own'],
      [{ kind: 'drop_object', namespace: 'public', object: 'view own' }],
    ],
  ])('may go where %s', (_why, standing, operations) => {
    expect(problems(standing, ...operations)).toEqual([])
  })
})
