import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { standInProblems } from '../../../src/core/plan/stand-ins.ts'
import { told } from '../../support/model.ts'

const rename: Operation = { kind: 'rename_table', namespace: 'public', table: 'users', to: 'people' }
const make = (definition: string): Operation => ({ kind: 'create_object', namespace: 'public', definition })
const problems = (...operations: readonly Operation[]) => told(standInProblems({ name: 'm', operations }))

describe('a table that gets another name', () => {
  test.each([
    ['view public.v', 'create view v as select 1 as one from teams join public.people on true'],
    [
      'function public.f()',
      'create function f() returns bigint language sql begin atomic select count(*) from people; end',
    ],
  ])('has nothing built on the view that stands in for it: %s', (called, definition) => {
    for (const operations of [
      [rename, make(definition)],
      [make(definition), rename],
    ])
      expect(problems(...operations)).toEqual([
        [
          'plan_refused',
          `The ${called} names "people", which is a view until the contract: that would wait for it.`,
        ],
      ])
  })

  test('leaves what is built on the table itself, or on another one', () => {
    expect(problems(rename, make('create view v as select 1 as one from users'))).toEqual([])
    expect(problems(rename, make('create view v as select 1 as one from other.people'))).toEqual([])
    expect(problems(make('create view v as select 1 as one from people'))).toEqual([])
  })
})
