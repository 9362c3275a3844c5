import { describe, expect, test } from 'vitest'
import { type Constraint, type Table, withoutTable, withTable } from '../../../src/core/schema/model.ts'
import { changedTables, withReferences } from '../../../src/core/schema/references.ts'
import { foreignKey, schemaOf, table } from '../../support/model.ts'

const key = (name: string, to: string): Constraint =>
  foreignKey(name, ['team'], { references: { namespace: 'public', name: to } })
const named = (name: string, more: Partial<Table> = {}) => table({ ...more, name })

const TEAMS = named('teams', {
  referencedBy: [
    { table: { namespace: 'app', name: 'elsewhere' }, constraint: 'far', identity: 'far on app.elsewhere' },
    { table: { namespace: 'public', name: 'users' }, constraint: 'old', identity: 'old on public.users' },
  ],
})
const USERS = named('users', { constraints: [key('old', 'teams')] })
const before = schemaOf(named('first'), TEAMS, USERS)

describe('after an operation a table knows which foreign keys point at it', () => {
  test.for<readonly [string, ReturnType<typeof schemaOf>, readonly string[]]>([
    [
      'one has another name',
      withTable(before, { ...USERS, constraints: [key('new "one"', 'teams')] }),
      ['far on app.elsewhere', '"new ""one""" on public.users'],
    ],
    ['one is gone', withTable(before, { ...USERS, constraints: [] }), ['far on app.elsewhere']],
    ['its table is gone', withoutTable(before, USERS), ['far on app.elsewhere']],
    [
      'another table is gone',
      withoutTable(before, named('first')),
      ['far on app.elsewhere', 'old on public.users'],
    ],
    [
      'there is one more',
      withTable(before, named('orders', { constraints: [key('more', 'teams')] })),
      ['far on app.elsewhere', 'old on public.users', 'more on public.orders'],
    ],
    [
      'it points elsewhere',
      withTable(before, { ...USERS, constraints: [key('old', 'first')] }),
      ['far on app.elsewhere'],
    ],
    [
      'one points at its own table',
      withTable(before, { ...TEAMS, constraints: [key('own', 'teams')] }),
      ['far on app.elsewhere', 'old on public.users'],
    ],
  ])('%s', ([, after, expected]) => {
    const teams = withReferences(after, changedTables(before, after)).tables.find(
      ({ name }) => name === 'teams',
    )
    expect(teams?.referencedBy.map(({ identity }) => identity)).toEqual(expected)
  })
})

describe('the tables that an operation changed', () => {
  const renamed = (schema: ReturnType<typeof schemaOf>, comment: string) =>
    withTable(schema, { ...USERS, comment })
  const names = ([were, are]: ReturnType<typeof changedTables>) => [
    were.map(({ name }) => name),
    are.map(({ name, comment }) => `${name}: ${comment}`),
  ]

  test('are the same, whether or not each change is known by its place, and however often one asks', () => {
    const after = withTable(renamed(renamed(before, 'once'), 'twice'), named('more'))
    const copy = { tables: [...after.tables] }
    const expected = [['users'], ['users: twice', 'more: null']]

    expect(names(changedTables(before, copy))).toEqual(expected)
    expect(names(changedTables(before, after))).toEqual(expected)
    expect(names(changedTables(before, after))).toEqual(expected)
  })

  test('are seen also behind a change whose place nobody knows', () => {
    const after = renamed(withoutTable(before, TEAMS), 'then')
    expect(names(changedTables(before, after))).toEqual([['teams', 'users'], ['users: then']])
  })
})
