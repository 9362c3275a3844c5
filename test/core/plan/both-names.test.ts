import { describe, expect, test } from 'vitest'
import { combined } from '../../../src/core/history/combine.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { applied, makePlan } from '../../../src/core/plan/make-plan.ts'
import { conditionKey } from '../../../src/core/schema/facts.ts'
import { column, factsWithTypes, schemaOf, tableWith, USERS } from '../../support/model.ts'

const on = { namespace: 'public', table: 'people' } as const
const renamed: Operation = { kind: 'rename_table', namespace: 'public', table: 'users', to: 'people' }
const schema = schemaOf(tableWith([column('name', 'text', { nullable: false }), column('nick')]))
const facts = factsWithTypes(
  { text: 'text' },
  { conditions: { [conditionKey(USERS, `nick <> ''`)]: { volatility: 'stable' } } },
)

const planOf = (...operations: readonly Operation[]) => makePlan({ name: 'm', operations }, schema, facts)
const told = (steps: ReturnType<typeof planOf>['steps']) =>
  steps.map(({ phase, does }) => `${phase}: ${does}`)

const added: Operation = { kind: 'add_column', ...on, column: 'note', type: 'text', nullable: true }
const checked: Operation = { kind: 'add_constraint', ...on, name: 'nicked', check: `nick <> ''` }

describe('what is done to a table that gets another name', () => {
  test('comes before its view, and is taken back behind that', () => {
    const plan = planOf(renamed, added, checked)
    expect(told(plan.steps)).toEqual([
      'expand: look for rows against the check of "users"',
      'expand: add the column "note" to "users"',
      'expand: let "users" be used as "people" as well, by a view',
      'rollout: wait until nobody needs what the check nicked of public.users refuses',
      'rollout: wait until nobody needs what the check nicked of public.users refuses, by whoever says people',
      'rollout: wait until nobody needs "users" under this name',
      'retire: look for rows against the check of "users"',
      'retire: put the check "nicked" on "users" for new rows',
      'retire: prove the check "nicked" for the rows that are there',
      'retire: give "users" the name "people" itself',
      'purge: forget the name "users"',
    ])
    const view = plan.steps.find(({ does }) => does.includes('by a view'))
    expect(view !== undefined && 'statements' in view ? view.statements[0] : '').toContain('"note"')
    expect(told(plan.rollback)).toEqual([
      'retire: give "people" the name "users" again, and let the new one be a view',
      'retire: take the check "nicked" of "users" away again',
      'expand: drop the view "people" again',
      'expand: drop the column "note" of "users" again',
    ])
  })

  test('keeps its old name until nothing is dropped of it any more', () => {
    const plan = planOf(
      renamed,
      { kind: 'rename_column', ...on, from: 'name', to: 'full_name' },
      // What is built on the new column puts off that it is offered.
      { kind: 'alter_column', ...on, column: 'full_name', comment: 'in full' },
      added,
    )
    const [verified, last] = ['verify', 'purge'].map((phase) =>
      told(plan.steps)
        .filter((step) => step.startsWith(phase))
        .slice(-2),
    )
    expect(verified).toEqual([
      'verify: offer "full_name" to new instances',
      'verify: let "users" be used as "people" as well, by a view',
    ])
    expect(last).toEqual([
      'purge: drop the column "name" of "users"',
      'purge: give "users" the name "people" itself',
    ])
    expect(told(plan.steps).filter((step) => step.startsWith('retire'))).toEqual([
      'retire: hide the column "name" of "users"',
      'retire: let no instance begin that says "users"',
    ])
    expect(told(plan.rollback)).toEqual([
      'retire: let instances say "users" again',
      'retire: bring the column "name" of "users" back',
      'expand: drop the view "people" again',
      'expand: drop the column "note" of "users" again',
      expect.stringContaining('described and stored'),
      'expand: drop the column "full_name" of "users" again',
    ])
  })

  test('is the same in one run of several migrations', () => {
    const several = combined([
      { name: 'l', operations: [renamed] },
      { name: 'm', operations: [added, checked] },
    ])
    expect(told(makePlan(several, schema, facts).steps)).toEqual(told(planOf(renamed, added, checked).steps))
  })

  test('is what the schema has in the end, under the new name', () => {
    const [table, ...more] = applied(
      { name: 'm', operations: [renamed, added, checked] },
      schema,
      facts,
    ).tables
    expect([table?.name, more]).toEqual(['people', []])
    expect(table?.columns.at(-1)?.name).toBe('note')
    expect(table?.constraints.map(({ name }) => name)).toContain('nicked')
  })
})
