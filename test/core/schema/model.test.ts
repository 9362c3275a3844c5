import { describe, expect, test } from 'vitest'
import { findColumn, findTable, primaryKey, withTable } from '../../../src/core/schema/model.ts'
import { column, primaryKeyOf, schemaOf, table, unique } from '../../support/model.ts'

const users = table()
const appUsers = table({ namespace: 'app' })
const teams = table({ name: 'teams' })
const schema = schemaOf(users, appUsers, teams)

describe('a table', () => {
  test.each<[string, string, unknown]>([
    ['public', 'users', users],
    ['app', 'users', appUsers],
    ['public', 'teams', teams],
    ['app', 'teams', undefined],
    ['public', 'Users', undefined],
    ['', 'users', undefined],
  ])('is found under %s.%s, taken literally', (namespace, name, expected) => {
    expect(findTable(schema, { namespace, name })).toBe(expected)
  })

  test('is replaced where it stands, and no other', () => {
    const changed = { ...appUsers, columnSlots: 7 }
    const after = withTable(schema, changed)
    expect(after.tables).toEqual([users, changed, teams])
    expect(after.tables[0]).toBe(users)
    expect(schema.tables[1]).toBe(appUsers)
  })

  test('that is not there is added', () => {
    const other = table({ name: 'other' })
    expect(withTable(schema, other)).toEqual({ tables: [...schema.tables, other] })
  })
})

describe('tables added one by one', () => {
  const named = Array.from({ length: 300 }, (_, at) => table({ name: `t_${at}` }))
  const states = [schema]
  for (const one of named) states.push(withTable(states.at(-1) ?? schema, one))

  test('are found in every schema from then on, and in none before', () => {
    for (const [at, one] of named.entries()) {
      expect(findTable(states[at] ?? schema, one)).toBeUndefined()
      expect(findTable(states[at + 1] ?? schema, one)).toBe(one)
      expect(findTable(states.at(-1) ?? schema, one)).toBe(one)
    }
  })

  test('are replaced in their places', () => {
    const changed = named.map((one) => ({ ...one, comment: 'other' }))
    const after = changed.reduce(withTable, states.at(-1) ?? schema)
    expect(after.tables).toEqual([...schema.tables, ...changed])
    expect(changed.map((one) => findTable(after, one))).toEqual(changed)
  })
})

describe('a column', () => {
  test.each<[string, string | undefined]>([
    ['id', 'id'],
    ['name', 'name'],
    ['Name', undefined],
    ['name ', undefined],
    ['', undefined],
  ])('is found under %j, taken literally', (name, expected) => {
    expect(findColumn(users, name)?.name).toBe(expected)
  })
})

describe('the primary key', () => {
  test('is that of the constraint, in its order', () => {
    expect(primaryKey(users)).toEqual(['id'])
    expect(primaryKey(table({ constraints: [unique('u', ['name']), primaryKeyOf(['b', 'a'])] }))).toEqual([
      'b',
      'a',
    ])
  })

  test('of a table without one is empty', () => {
    expect(primaryKey(table({ constraints: [unique('u', ['name'])] }))).toEqual([])
    expect(primaryKey(table({ constraints: [], columns: [column('a')] }))).toEqual([])
  })
})
