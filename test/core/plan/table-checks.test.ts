import { describe, expect, test } from 'vitest'
import {
  columnMissing,
  columnSlotProblems,
  keyProblems,
  refused,
  tableProblems,
  theTable,
  twinSlotProblems,
} from '../../../src/core/plan/table-checks.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import { nameOf } from '../../../src/core/schema/name-of.ts'
import { column, indexOf, primaryKeyOf, schemaOf, table, told } from '../../support/model.ts'

const op = { namespace: 'public', table: 'users' }

describe('the table of an operation', () => {
  test('is named by its namespace and name', () => {
    expect(theTable({ namespace: 'app', table: 'users' })).toEqual({ namespace: 'app', name: 'users' })
  })

  test('may be an ordinary one', () => {
    expect(tableProblems(op, table())).toEqual([])
  })

  test('must be there', () => {
    const problems = tableProblems(op, undefined)
    expect(told(problems)).toEqual([['table_not_found', 'There is no table public.users.']])
    expect(problems[0]?.hint).toBe(
      'Check the spelling and the namespace: names are taken literally, capitals included.',
    )
  })

  test.each<[string, string, string]>([
    ['My App', 'Users', 'There is no table "My App"."Users".'],
    ['public', 'user', 'There is no table public."user".'],
    ['a.b', 'c', 'There is no table "a.b".c.'],
  ])('is named as SQL would write it: %s and %s', (namespace, name, message) => {
    expect(told(tableProblems({ namespace, table: name }, undefined))).toEqual([['table_not_found', message]])
  })

  test.each<[Table['kind'], string]>([
    ['partitioned', 'public.users is a partitioned table, which this operation does not support yet.'],
    ['partition', 'public.users is a partition, which this operation does not support yet.'],
    ['foreign', 'public.users is a foreign table, which this operation does not support yet.'],
    ['view', 'public.users is a view, which this operation does not support yet.'],
  ])('may not be of the kind %s', (kind, message) => {
    expect(told(tableProblems(op, table({ kind })))).toEqual([['plan_refused', message]])
  })

  test('may not take part in inheritance', () => {
    expect(told(tableProblems(op, table({ inherits: true })))).toEqual([
      [
        'plan_refused',
        'public.users takes part in table inheritance; triggers do not reach its other tables.',
      ],
    ])
  })

  test('must belong to the connected role', () => {
    const problems = tableProblems(op, table({ owned: false }))
    expect(told(problems)).toEqual([
      [
        'plan_refused',
        'The connected role may not change public.users: it is not a member of the role that owns it.',
      ],
    ])
    expect(problems[0]?.hint).toMatch(
      /^Connect as the owner, or make this role the owner: alter table .* owner to <role>$/,
    )
  })

  test('has one problem at a time: the first is the reason for the others', () => {
    expect(tableProblems(op, table({ kind: 'view', inherits: true, owned: false }))).toHaveLength(1)
  })
})

describe('a column that is named', () => {
  test('may be there', () => {
    expect(columnMissing(op, table(), 'name')).toEqual([])
  })

  test('that is not there is a problem, and the hint says which are', () => {
    const problems = columnMissing(
      op,
      table({ columns: [column('id'), column('Name'), column('user')] }),
      'name',
    )
    expect(told(problems)).toEqual([['column_not_found', 'The table "users" has no column "name".']])
    expect(problems[0]?.hint).toBe('It has id, "Name", "user".')
  })
})

describe('the slots of a table', () => {
  test.each<[number, number]>([
    [0, 0],
    [1599, 0],
    [1600, 1],
    [1601, 1],
  ])('%i used up: %i problems', (columnSlots, count) => {
    expect(columnSlotProblems(table({ columnSlots }))).toHaveLength(count)
  })

  test('are counted table by table where several columns come at once', () => {
    const [users, orders] = [table({ columnSlots: 1598 }), table({ name: 'orders', columnSlots: 1599 })]
    const schema = schemaOf(users, orders)
    const inBoth = [users, users, orders].map(nameOf)
    expect(
      twinSlotProblems(
        inBoth.map((one) => ({ table: one })),
        schema,
      ),
    ).toEqual([])
    const more = [...inBoth, nameOf(orders)].map((one) => ({ table: one }))
    expect(told(twinSlotProblems(more, schema))).toEqual([
      [
        'plan_refused',
        '"orders" has 1 of its 1600 column slots left, and gets 2 new columns; PostgreSQL does not reuse those of dropped columns.',
      ],
    ])
  })

  test('when used up are explained', () => {
    const problems = columnSlotProblems(table({ columnSlots: 1600 }))
    expect(told(problems)).toEqual([
      [
        'plan_refused',
        '"users" has used all its 1600 column slots; PostgreSQL does not reuse those of dropped columns.',
      ],
    ])
    expect(problems[0]?.hint).toBe('Only a new table helps: copy the rows to one and swap the two.')
  })
})

describe('a key', () => {
  test.each<[string, readonly string[], string, number]>([
    ['of the column', ['id'], 'id', 1],
    ['of several columns', ['tenant', 'id'], 'id', 1],
    ['of other columns', ['id'], 'name', 0],
  ])('%s', (_what, key, name, count) => {
    const of = table({ constraints: [primaryKeyOf(key)] })
    expect(keyProblems(of, column(name))).toHaveLength(count)
  })

  test('may need a column that only its index names: an INCLUDE', () => {
    const key = primaryKeyOf(['id'])
    const of = table({ constraints: [key], indexes: [indexOf(key, { columns: ['id', 'name'] })] })
    expect(keyProblems(of, column('name'))).toHaveLength(1)
    expect(keyProblems(of, column('other'))).toEqual([])
  })

  test('is kept, and the message says so', () => {
    expect(told(keyProblems(table(), column('id')))).toEqual([
      [
        'plan_refused',
        '"users"."id" belongs to the primary key, which only change_type and rename_column replace.',
      ],
    ])
  })
})

describe('a refusal', () => {
  test('has a hint or none', () => {
    expect(refused('No.').hint).toBeUndefined()
    expect(refused('No.', 'Do this.')).toMatchObject({
      code: 'plan_refused',
      message: 'No.',
      hint: 'Do this.',
    })
  })
})
