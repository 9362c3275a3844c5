import { describe, expect, test } from 'vitest'
import { namedObject } from '../../../src/core/objects/database-object.ts'
import { objectQuestion } from '../../../src/core/objects/object-catalog.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { dropOrderProblems } from '../../../src/core/plan/drop-order.ts'
import { facts, told } from '../../support/model.ts'

const drop = (object: string): Operation => ({ kind: 'drop_object', namespace: 'public', object })
const onUsers = { namespace: 'public', table: 'users' } as const

function problems([needed, by]: readonly [string, string], ...operations: readonly Operation[]) {
  const answers = Object.fromEntries(
    operations.flatMap((op) => {
      if (op.kind !== 'drop_object') return []
      const object = namedObject(op.object, 'public')
      if ('problem' in object) return []
      const dependents = op.object === needed ? [by] : []
      return [[objectQuestion(object), [{ definition: '', owned: true, dependents }]]]
    }),
  )
  return told(dropOrderProblems({ name: 'm', operations }, facts({ answers })))
}

describe('an object is not dropped', () => {
  test.each<[string, string, string, Operation]>([
    ['a trigger', 'function f()', 'trigger note on public.users', drop('trigger note on users')],
    ['a function', 'type mood', 'function public.f(public.mood)', drop('function f(mood)')],
    ['a view', 'function f()', 'view public.names', drop('view names')],
    [
      'a column',
      'type mood',
      'table column public.users.mood',
      { kind: 'drop_column', ...onUsers, column: 'mood' },
    ],
    ['a table', 'type mood', 'table column public.users.mood', { kind: 'drop_table', ...onUsers }],
    [
      'a constraint',
      'function f()',
      'table constraint one on public.users',
      { kind: 'drop_constraint', ...onUsers, name: 'one' },
    ],
  ])('before what needs it, which goes behind it: %s', (_what, object, name, op) => {
    expect(problems([object, name], drop(object), op)).toEqual([
      ['plan_refused', expect.stringContaining(`cannot be dropped before the ${name}, which needs it.`)],
    ])
    expect(problems([object, 'view public.other'], drop(object), op)).toEqual([])
    expect(problems([object, name], drop('view first'), op, drop(object))).toEqual([])
  })

  test.each(['mood', 'public.mood[]'])('when another operation uses the type: %s', (type) => {
    const add: Operation = { kind: 'add_column', ...onUsers, column: 'm', type, nullable: true }
    expect(problems(['type mood', 'view v'], add, drop('type mood'))).toEqual([
      [
        'plan_refused',
        'The type public.mood cannot be dropped: the operation add_column of the same migration uses it.',
      ],
    ])
    expect(problems(['type mood', 'view v'], add, drop('type moods'))).toEqual([])
  })
})
