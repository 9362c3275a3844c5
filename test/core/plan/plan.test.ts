import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { tablesOf } from '../../../src/core/plan/needs.ts'
import { stepsOf, undoSteps } from '../../../src/core/plan/plan.ts'
import { PHASES } from '../../../src/core/plan/step.ts'
import { facts, schemaOf, table } from '../../support/model.ts'

const rename: Operation = {
  kind: 'rename_column',
  namespace: 'public',
  table: 'users',
  from: 'name',
  to: 'full_name',
}
const plan = makePlan({ name: 'm', operations: [rename] }, schemaOf(table()), facts())

describe('the steps of a plan', () => {
  test('are those of the phases, one after the other', () => {
    expect(PHASES.flatMap((phase) => stepsOf(plan, phase))).toEqual(plan.steps)
    expect(stepsOf(plan, 'expand').map((step) => step.id)).toEqual(['m/expand/1'])
    expect(stepsOf(plan, 'purge').map((step) => step.id)).toEqual(['m/purge/1'])
  })

  test('that undo a retire are those of the rollback that belong to it', () => {
    expect(undoSteps(plan).map((step) => step.id)).toEqual(['m/rollback/1'])
    expect(undoSteps(plan).every((step) => step.phase === 'retire')).toBe(true)
  })
})

describe('the tables of a migration', () => {
  const drop = (namespace: string, name: string, column = 'a'): Operation => ({
    kind: 'drop_column',
    namespace,
    table: name,
    column,
  })

  test.each<[string, readonly Operation[], readonly (readonly [string, string])[]]>([
    ['none', [], []],
    ['one', [drop('public', 'users')], [['public', 'users']]],
    [
      'one that is named twice',
      [drop('public', 'users'), drop('public', 'users', 'b')],
      [['public', 'users']],
    ],
    [
      'two',
      [drop('public', 'users'), drop('app', 'users'), rename],
      [
        ['public', 'users'],
        ['app', 'users'],
      ],
    ],
    [
      'two whose names could be taken for one another',
      [drop('a","b', 'c'), drop('a', 'b","c')],
      [
        ['a","b', 'c'],
        ['a', 'b","c'],
      ],
    ],
  ])('are named once each: %s', (_what, operations, expected) => {
    expect(tablesOf({ name: 'm', operations })).toEqual(
      expected.map(([namespace, name]) => ({ namespace, name })),
    )
  })
})
