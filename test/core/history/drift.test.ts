import { describe, expect, test } from 'vitest'
import { type Explained, judgeDrift } from '../../../src/core/history/drift.ts'

const difference = (more: Partial<Explained>): Explained => ({
  namespace: 'public',
  relation: 'users',
  kind: 'column',
  name: 'name',
  recorded: 'text',
  found: 'integer',
  migration: null,
  printedBy: null,
  isPartition: false,
  ...more,
})

const named = (found: readonly Explained[]) =>
  judgeDrift('everything', found).differences.map(({ kind, relation, name }) =>
    `${kind} ${relation} ${name}`.trim(),
  )

describe('differences', () => {
  test('are all told, each without the migration that it has not', () => {
    expect(judgeDrift('tables', [difference({})])).toEqual({
      recorded: 'tables',
      differences: [
        {
          namespace: 'public',
          relation: 'users',
          kind: 'column',
          name: 'name',
          recorded: 'text',
          found: 'integer',
        },
      ],
      reprinted: [],
      newPartitions: [],
      atWork: [],
    })
  })

  test.each(['table', 'view', 'materialized view'])('of a new or missing %s are told as one', (kind) => {
    const parts = [
      difference({ name: 'id', recorded: null }),
      difference({ kind: 'index', name: 'i', recorded: null }),
      difference({ kind: 'trigger', name: 't', recorded: null }),
    ]
    expect(named([difference({ kind, name: '', recorded: null }), ...parts])).toEqual([`${kind} users`])
    expect(named([difference({ kind, name: '', found: null }), ...parts])).toEqual([`${kind} users`])
  })

  test('of a table that is there, and of others of its name, are told one by one', () => {
    expect(named([difference({ kind: 'table', name: '' }), difference({})])).toEqual([
      'table users',
      'column users name',
    ])
    expect(
      named([difference({ kind: 'table', name: '', recorded: null }), difference({ namespace: 'app' })]),
    ).toEqual(['table users', 'column users name'])
    expect(named([difference({ kind: 'function', name: '', recorded: null }), difference({})])).toEqual([
      'function users',
      'column users name',
    ])
  })

  test('that a run under way may have made are no drift; each relation is named once', () => {
    expect(
      judgeDrift('everything', [
        difference({ migration: '0001_a' }),
        difference({ migration: '0001_a', name: 'other' }),
        difference({ migration: '0002_b', relation: 'orders' }),
      ]),
    ).toEqual({
      recorded: 'everything',
      differences: [],
      reprinted: [],
      newPartitions: [],
      atWork: [
        { migration: '0001_a', relation: 'users' },
        { migration: '0002_b', relation: 'orders' },
      ],
    })
  })
  test('of the rights on something new or missing are told as one with it', () => {
    const twice = { kind: 'function', relation: 'twice', name: 'a integer', recorded: null }
    const rights = { ...twice, kind: 'function rights' }
    expect(named([difference(twice), difference(rights)])).toEqual(['function twice a integer'])
    expect(named([difference(twice), difference({ ...rights, name: 'a text' })])).toEqual([
      'function twice a integer',
      'function rights twice a text',
    ])
    const table = { kind: 'table', name: '', recorded: null }
    expect(
      named([
        difference(table),
        difference({ kind: 'owner', name: '' }),
        difference({ kind: 'grant', name: 'app' }),
      ]),
    ).toEqual(['table users'])
  })

  test('of the settings and comments of something new or missing are told as one with it', () => {
    const more = (found: Partial<Explained>) =>
      ['settings', 'comment'].map((what) => difference({ ...found, kind: `column ${what}` }))
    expect(named([difference({ recorded: null }), ...more({ recorded: null })])).toEqual([
      'column users name',
    ])
    expect(named([difference({}), ...more({})])).toEqual([
      'column users name',
      'column settings users name',
      'column comment users name',
    ])
    const table = difference({ kind: 'table', name: '', found: null })
    expect(named([table, difference({ found: null }), ...more({ found: null })])).toEqual(['table users'])
  })

  test('that are new partitions of a table on record are none, but those that a run makes, and changed ones', () => {
    const table = { kind: 'table', name: '', isPartition: true } as const
    const found = [
      difference({ ...table, relation: 'one', recorded: null }),
      difference({ relation: 'one', recorded: null }),
      difference({ ...table, relation: 'two', recorded: null, migration: '0001_a' }),
      difference({ ...table, relation: 'three' }),
      difference({ ...table, relation: 'four', found: null }),
    ]
    expect(judgeDrift('everything', found)).toMatchObject({
      differences: [{ relation: 'three' }, { relation: 'four' }],
      newPartitions: [{ namespace: 'public', relation: 'one' }],
      atWork: [{ migration: '0001_a', relation: 'two' }],
    })
  })
})

describe('what another major version printed', () => {
  const texts = (recorded: string | null, found: string | null) => ({ recorded, found, printedBy: 16 })
  test.each([
    ['view', texts('select name', 'select users.name'), true],
    ['constraint', texts('CHECK (a)', 'CHECK (b)'), true],
    ['constraint', texts('CHECK (a)', null), false],
    ['constraint', texts(null, 'CHECK (a)'), false],
    ['column', texts('text', 'integer'), false],
    ['column', texts('text default a', 'text default b'), true],
    ['table', texts('table', 'unlogged table'), false],
    ['type', texts("enum ('a')", "enum ('a', 'b')"), false],
    ['type', texts('domain over text default a', 'domain over text default b'), true],
    ['grant', texts('INSERT, SELECT', 'INSERT, MAINTAIN, SELECT'), true],
    ['grant', texts('SELECT', 'INSERT, SELECT'), false],
    ['rights by default', texts('SELECT to app', 'MAINTAIN to app, SELECT to app'), true],
    ['rights by default', texts('none', 'MAINTAIN to app'), false],
    ['rights by default', texts('SELECT to app', 'SELECT to other'), false],
    ['owner', texts('app', 'other'), false],
    ['column settings', texts('statistics 5', 'statistics 6'), false],
    ['column comment', texts('by default a', 'by default b'), false],
    ['view', { recorded: 'a', found: 'b', printedBy: null }, false],
  ])('as a %s may be the same in other words: %o', (kind, how, isSame) => {
    const { differences, reprinted } = judgeDrift('everything', [difference({ kind, ...how })])
    expect([differences.length, reprinted.length]).toEqual(isSame ? [0, 1] : [1, 0])
  })
})
