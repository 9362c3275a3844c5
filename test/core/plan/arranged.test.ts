import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { arranged } from '../../../src/core/plan/arranged.ts'

const on = { namespace: 'public', table: 'users' } as const
const rename: Operation = { kind: 'rename_column', ...on, from: 'a', to: 'b' }
const change: Operation = { kind: 'change_type', ...on, column: 'a', type: 'bigint' }
const alter = (column: string, more: object): Operation => ({ kind: 'alter_column', ...on, column, ...more })
const index: Operation = { kind: 'create_index', definition: 'create index on users (b)' }
const of = (...operations: readonly Operation[]) => arranged({ name: 'm', operations }).operations

const team = { namespace: 'public', table: 'teams', column: 'id' }

describe('the operations of a migration', () => {
  test('stay as they are written where nothing is said of a column that is copied', () => {
    const migration = {
      name: 'm',
      operations: [rename, alter('c', { default: '7', nullable: false }), index],
    }
    expect(arranged(migration)).toBe(migration)
    expect(arranged(arranged({ name: 'm', operations: [rename, alter('b', { default: '7' })] }))).toEqual(
      arranged({ name: 'm', operations: [rename, alter('b', { default: '7' })] }),
    )
  })

  test.each<[string, readonly Operation[], readonly Operation[]]>([
    [
      'a default and NULL come in front of a rename, by the old name',
      [rename, index, alter('b', { default: '7', nullable: true, comment: 'c' })],
      [alter('a', { nullable: true, default: '7' }), rename, index, alter('b', { comment: 'c' })],
    ],
    [
      'NULL comes in front of another type',
      [change, alter('a', { nullable: true, default: '7' })],
      [alter('a', { nullable: true }), change, alter('a', { default: '7' })],
    ],
    [
      'NOT NULL, what is unique and what points elsewhere come behind a rename, by the new name',
      [
        alter('a', { nullable: false, unique: {}, references: team, default: '7', when: 'before_rollout' }),
        rename,
      ],
      [
        alter('a', { default: '7' }),
        rename,
        alter('b', { nullable: false, unique: {}, references: team, when: 'before_rollout' }),
      ],
    ],
    [
      'a reason is of both halves',
      [rename, alter('b', { default: '7', comment: 'c', unsafe: 'at night' })],
      [
        alter('a', { default: '7', unsafe: 'at night' }),
        rename,
        alter('b', { comment: 'c', unsafe: 'at night' }),
      ],
    ],
    [
      'a default that goes comes behind another type',
      [alter('a', { default: null, comment: 'c' }), change],
      [alter('a', { comment: 'c' }), change, alter('a', { default: null })],
    ],
    [
      'a check comes behind, by the new name',
      [alter('a', { check: { name: 'some', constraint: 'a > 0 and c' } }), rename],
      [rename, alter('b', { check: { name: 'some', constraint: 'b > 0 AND c' } })],
    ],
    [
      'a default that goes, or is of other values, comes behind all else of the new column',
      [{ ...rename, up: 'a + 1' }, alter('b', { default: '7', nullable: false }), index],
      [{ ...rename, up: 'a + 1' }, alter('b', { nullable: false }), index, alter('b', { default: '7' })],
    ],
    [
      'an index comes behind, by the new name',
      [{ kind: 'create_index', definition: 'create index on users (lower(a), c) where a <> $$a$$' }, rename],
      [
        rename,
        {
          kind: 'create_index',
          definition: `CREATE INDEX ON users ((lower(b)), c) WHERE b <> 'a'`,
        },
      ],
    ],
    [
      'constraints come behind, by the new name',
      [
        { kind: 'add_constraint', ...on, check: 'a > 0' },
        { kind: 'add_constraint', ...on, unique: ['c', 'a'], include: ['d'] },
        {
          kind: 'add_constraint',
          ...on,
          foreign_key: { columns: ['a'], references: { ...team, columns: ['a'] } },
        },
        rename,
        change,
      ],
      [
        rename,
        { kind: 'add_constraint', ...on, check: 'b > 0' },
        { kind: 'add_constraint', ...on, unique: ['c', 'b'], include: ['d'] },
        {
          kind: 'add_constraint',
          ...on,
          foreign_key: { columns: ['b'], references: { ...team, columns: ['a'] } },
        },
        change,
      ],
    ],
    [
      'they come behind each copy of their columns',
      [
        { kind: 'add_constraint', ...on, unique: ['a', 'c'] },
        rename,
        { ...change, column: 'c' },
        { ...rename, from: 'd', to: 'e' },
      ],
      [
        rename,
        { ...change, column: 'c' },
        { kind: 'add_constraint', ...on, unique: ['b', 'c'] },
        { ...rename, from: 'd', to: 'e' },
      ],
    ],
  ])('%s', (_what, written, expected) => {
    expect(of(...written)).toEqual(expected)
  })

  test.each<[string, readonly Operation[]]>([
    [
      'a check of other values',
      [alter('a', { check: { constraint: 'a > 0' } }), { ...rename, up: 'a + 1', down: 'b - 1' }],
    ],
    [
      'a constraint of other values',
      [
        { kind: 'add_constraint', ...on, unique: ['a'] },
        { ...rename, transform: 'trim' },
      ],
    ],
    [
      'a unique index of other values',
      [
        { kind: 'create_index', definition: 'create unique index on users (a)' },
        { ...change, up: 'a + 1' },
      ],
    ],
    [
      'what is called by its name in between',
      [
        { kind: 'create_index', definition: 'create index by_a on users (a)' },
        { kind: 'rename_index', ...on, from: 'by_a', to: 'a_index' },
        rename,
      ],
    ],
    [
      'NULL of what is made NOT NULL',
      [{ ...change, nullable: false, up: '1' }, alter('a', { nullable: true })],
    ],
    ['another table', [rename, { ...alter('b', { default: '7' }), table: 'teams' } as Operation]],
  ])('are not moved: %s', (_what, written) => {
    expect(of(...written)).toEqual(written)
  })

  test('are one copy where they give a column another name and another type', () => {
    const typed = { type: 'bigint', collation: 'C', overlap: 'forward_only' } as const
    const behind: Operation = { ...change, column: 'b', ...typed, up: 'b::bigint + 1', down: '(b - 1)::text' }
    const before: Operation = { ...behind, column: 'a', up: 'a::bigint + 1', down: '(a - 1)::text' }
    const one = { ...rename, ...typed, up: 'CAST(a AS bigint) + 1', down: '(b - 1)::text' }
    expect(of(rename, index, behind)).toEqual([one, index])
    expect(of(before, rename)).toEqual([{ ...one, up: 'a::bigint + 1', down: 'CAST(b - 1 AS text)' }])
    expect(of({ ...rename, unsafe: 'A' }, { ...behind, unsafe: 'B' }, index)).toEqual([
      { ...one, unsafe: 'A; B' },
      index,
    ])
    expect(of({ ...rename, unsafe: 'A' }, behind)).toEqual([{ ...one, unsafe: 'A' }])
    expect(of(rename, { ...behind, unsafe: 'B' })).toEqual([{ ...one, unsafe: 'B' }])
    expect(of({ ...rename, unsafe: 'A' }, { ...behind, unsafe: 'A' })).toEqual([{ ...one, unsafe: 'A' }])
    expect(of({ ...rename, transform: 'trim' }, behind)).toHaveLength(2)
    expect(of(rename, { ...behind, up: 'b +' })).toEqual([{ ...one, up: 'b +' }])
  })
})

describe('what is done to a table that gets another name', () => {
  const renamed: Operation = { kind: 'rename_table', namespace: 'public', table: 'users', to: 'people' }
  const people = { namespace: 'public', table: 'people' } as const
  const drop = { kind: 'drop_column', ...on, column: 'd' } as const

  test('comes before it, by the old name', () => {
    const other = { kind: 'drop_table', namespace: 'public', table: 'other' } as const
    expect(
      of(
        drop,
        renamed,
        { ...rename, ...people },
        { kind: 'create_index', definition: 'create index on "people" (b) where b is not null' },
        {
          kind: 'add_constraint',
          ...people,
          foreign_key: { columns: ['b'], references: { ...people, columns: ['b'] } },
        },
        { kind: 'alter_column', ...on, table: 'orders', column: 'x', references: { ...people, column: 'b' } },
        other,
      ),
    ).toEqual([
      drop,
      rename,
      { kind: 'create_index', definition: 'create index on "users" (b) where b is not null' },
      {
        kind: 'add_constraint',
        ...on,
        foreign_key: { columns: ['b'], references: { ...on, columns: ['b'] } },
      },
      { kind: 'alter_column', ...on, table: 'orders', column: 'x', references: { ...on, column: 'b' } },
      renamed,
      other,
    ])
  })

  test('has a default of other values, or none, in front of it', () => {
    const copied: Operation = { ...rename, up: 'lower(a)' }
    for (const value of [`'x'`, null]) {
      const set = (table: string) => ({ ...alter('b', { default: value }), table }) as Operation
      expect(of(renamed, { ...copied, ...people }, set('people'))).toEqual([copied, set('users'), renamed])
    }
  })

  test('may name its columns with the table', () => {
    const said = (table: string, name: string): readonly Operation[] => [
      { kind: 'drop_column', ...on, table, column: 'd', down: `'ä' || ${name}.e || ${name}.f` },
      { kind: 'create_index', definition: `create index on "${table}" (lower(${name}.c)) where ${name}.e` },
      { kind: 'add_constraint', ...on, table, check: `public.${name}.e <> 'people.e' and other.people.e` },
      { kind: 'add_constraint', ...on, table, exclude: `(c with =) where (${name}.e)` },
      { kind: 'alter_column', ...on, table, column: 'e', check: { constraint: `${name}.e is not null` } },
      {
        kind: 'add_column',
        ...on,
        table,
        column: 'g',
        type: 'text',
        nullable: true,
        up: `${name}.c`,
        check: { constraint: `${name}.g <> ''` },
      },
    ]
    expect(of(renamed, ...said('people', 'people'))).toEqual([...said('users', '"users"'), renamed])
    const unread: Operation = { kind: 'add_constraint', ...people, check: 'people.a >' }
    expect(of(renamed, unread)).toEqual([{ ...unread, ...on }, renamed])
  })

  test.each<[string, readonly Operation[]]>([
    ['it is written by the old name', [renamed, { ...rename, ...people }, drop]],
    ['the new name is another one before', [{ ...drop, ...people }, renamed, { ...rename, ...people }]],
    ['it takes the name away', [renamed, { kind: 'drop_table', ...people }]],
    ['it is in another namespace', [renamed, { ...drop, ...people, namespace: 'other' }]],
  ])('stays where it is if %s', (_what, operations) => {
    expect(of(...operations)).toEqual(operations)
  })
})
