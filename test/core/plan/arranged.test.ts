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
      'a default that goes comes behind another type',
      [alter('a', { default: null, comment: 'c' }), change],
      [alter('a', { comment: 'c' }), change, alter('a', { default: null })],
    ],
  ])('%s', (_what, written, expected) => {
    expect(of(...written)).toEqual(expected)
  })

  test.each<[string, readonly Operation[]]>([
    ['a default of another type', [{ ...rename, type: 'bigint' }, alter('b', { default: '7' })]],
    ['a default that goes', [rename, alter('b', { default: null })]],
    ['a check of the old column', [alter('a', { check: { constraint: 'a > 0' } }), rename]],
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
    expect(of({ ...rename, transform: 'trim' }, behind)).toHaveLength(2)
    expect(of(rename, { ...behind, up: 'b +' })).toEqual([{ ...one, up: 'b +' }])
  })
})
