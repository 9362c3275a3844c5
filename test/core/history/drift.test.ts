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
      atWork: [
        { migration: '0001_a', relation: 'users' },
        { migration: '0002_b', relation: 'orders' },
      ],
    })
  })
})
