import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { linksQuestion } from '../../../src/core/operations/move/move.ts'
import type { MoveColumn } from '../../../src/core/operations/move-column.ts'
import { movedLinkProblems } from '../../../src/core/plan/moved-links.ts'
import { facts, told } from '../../support/model.ts'

const profiles = { namespace: 'public', table: 'profiles' } as const
const move: MoveColumn = {
  kind: 'move_column',
  from: { namespace: 'public', table: 'users', column: 'bio' },
  to: { ...profiles, column: 'about' },
  on: [{ target: 'user_id', source: 'id' }],
}
const link = {
  name: 'of_user',
  definition: 'FOREIGN KEY (user_id) REFERENCES users(id)',
  validated: true,
  deferrable: false,
  unique: 'one_each',
  pairs: [{ target: 'user_id', source: 'id', operator: { namespace: 'pg_catalog', name: '=' } }],
}
const problems = (...operations: readonly Operation[]) =>
  told(
    movedLinkProblems(
      { name: 'm', operations },
      facts({ answers: { [linksQuestion(move)]: [link] as never } }),
    ),
  ).map(([, message]) => message)
const dropConstraint = (name: string, of: { namespace: string; table: string } = profiles): Operation => ({
  kind: 'drop_constraint',
  ...of,
  name,
})

describe('a move finds the rows of its target by what no operation beside it', () => {
  test.each<[string, Operation, string]>([
    ['drops: the foreign key', dropConstraint('of_user'), 'of_user of "profiles"'],
    [
      'renames: the foreign key',
      { kind: 'rename_constraint', ...profiles, from: 'of_user', to: 'other' },
      'of_user of "profiles"',
    ],
    ['drops: the unique constraint', dropConstraint('one_each'), 'one_each of "profiles"'],
    [
      'drops: the unique index',
      { kind: 'drop_index', ...profiles, index: 'one_each' },
      'one_each of "profiles"',
    ],
    [
      'renames: the unique index',
      { kind: 'rename_index', ...profiles, from: 'one_each', to: 'other' },
      'one_each of "profiles"',
    ],
    [
      'lets be NULL: the column of the key',
      { kind: 'alter_column', ...profiles, column: 'user_id', nullable: true },
      'NOT NULL of "profiles"."user_id"',
    ],
  ])('%s', (_what, other, needed) => {
    const message = `The move of "bio" needs ${needed}, which another operation of the migration takes away or renames.`
    expect(problems(move, other)).toEqual([message])
    expect(problems(other, move)).toEqual([message])
  })

  test.each<[string, Operation]>([
    ['another constraint', dropConstraint('other')],
    ['one of that name of another table', dropConstraint('of_user', { namespace: 'public', table: 'notes' })],
    ['NOT NULL that comes', { kind: 'alter_column', ...profiles, column: 'user_id', nullable: false }],
    ['NULL of another column', { kind: 'alter_column', ...profiles, column: 'note', nullable: true }],
    ['a new index', { kind: 'create_index', definition: 'create index fresh on profiles (user_id)' }],
  ])('but beside %s it may stand', (_what, other) => {
    expect(problems(move, other)).toEqual([])
  })

  test('and without a move there is nothing to find', () => {
    expect(problems(dropConstraint('of_user'))).toEqual([])
  })
})
