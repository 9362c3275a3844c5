import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { definitionNeeds } from '../../../src/core/plan/definition-needs.ts'

const on = { namespace: 'public' } as const
const create = (definition: string): Operation => ({ kind: 'create_object', ...on, definition })
const replace = (definition: string): Operation => ({ kind: 'replace_object', ...on, definition })
const ONE = `create function one() returns int language sql as 'select 1'`
const TWO = 'create view two as select one()'
const OTHER = 'create or replace view other as select one()'
const add: Operation = {
  kind: 'add_column',
  ...on,
  table: 'users',
  column: 'age',
  type: 'int',
  nullable: true,
}

const tried = (...operations: readonly Operation[]) =>
  definitionNeeds(operations).map(({ definition, first }) => [
    definition,
    ...first.map((one) => one.definition),
  ])

describe('the definitions that are tried', () => {
  test.each<[string, readonly Operation[], readonly (readonly string[])[]]>([
    ['one by itself', [create(ONE)], [[ONE]]],
    ['a new one behind what is made in front', [create(ONE), create(TWO)], [[ONE], [TWO, ONE]]],
    ['one that is replaced behind all that is made', [replace(OTHER), create(ONE)], [[OTHER, ONE], [ONE]]],
    [
      'one that is replaced behind a function that is, too',
      [replace(ONE.replace('create', 'create or replace')), replace(OTHER)],
      [[ONE.replace('create', 'create or replace')], [OTHER, ONE.replace('create', 'create or replace')]],
    ],
    ['and a new one is made before that', [replace(OTHER), create(TWO)], [[OTHER, TWO], [TWO]]],
    [
      'none that would lock a table',
      [
        create('create policy own on users'),
        replace('create trigger t before insert on users execute function f()'),
      ],
      [],
    ],
    ['none beside what changes a table', [create(ONE), add], []],
    [
      'one beside an index, and beside what goes in the contract',
      [
        create(ONE),
        { kind: 'create_index', definition: 'create index on users (id)' },
        { kind: 'drop_object', ...on, object: 'view v' },
      ],
      [[ONE]],
    ],
    ['none that cannot be read', [create('create vew')], []],
  ])('are %s', (_what, operations, expected) => {
    expect(tried(...operations)).toEqual(expected)
  })
})
