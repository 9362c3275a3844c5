import { describe, expect, test } from 'vitest'
import { type RenameConstraint, renameConstraint } from '../../../src/core/operations/rename-constraint.ts'
import { constraintAbsent, constraintExists } from '../../../src/core/plan/probes.ts'
import { nameKey } from '../../../src/core/schema/facts.ts'
import {
  check,
  column,
  context,
  facts,
  indexOf,
  notNull,
  schemaOf,
  tableWith,
  told,
  USERS,
  unique,
} from '../../support/model.ts'

const KEY = unique('a', ['name'])
const TABLE = tableWith([column('name')], {
  constraints: [KEY, check('c', ['name'], 'CHECK (true)')],
  indexes: [indexOf(KEY)],
})
const rename = (from: string, to: string): RenameConstraint => ({
  kind: 'rename_constraint',
  namespace: 'public',
  table: 'users',
  from,
  to,
})

describe('rename_constraint', () => {
  test('is one short statement behind the rollout, and one back', () => {
    const op = rename('a', 'B "b"')
    expect(renameConstraint.expand(op, context(TABLE))).toEqual([])
    expect(renameConstraint.contract(op, context(TABLE))).toMatchObject([
      { kind: 'gate', thing: { reach: 'table', shows: [{ by: 'conflict' }] } },
      {
        kind: 'ddl',
        phase: 'retire',
        hazards: [{ code: 'name_may_be_used' }],
        probe: `(${constraintAbsent(USERS, 'a')}) and (${constraintExists(USERS, 'B "b"')})`,
        locks: [{ relation: USERS, level: 'access_exclusive' }],
        statements: ['alter table "public"."users" rename constraint "a" to "B ""b"""'],
      },
    ])
    expect(renameConstraint.rollback(op, context(TABLE))).toMatchObject([
      { phase: 'retire', statements: ['alter table "public"."users" rename constraint "B ""b""" to "a"'] },
    ])
  })

  test.each<[string, string, readonly string[]]>([
    [
      'of a key asks for all relations of the namespace',
      'a',
      ['another constraint "a"', 'another "a" in "public"'],
    ],
    ['of a check for the constraints of the table', 'c', ['another constraint "c"']],
  ])('going back, the old name %s, before anything is taken back', (_what, from, asked) => {
    const [step] = renameConstraint.rollback(rename(from, 'b'), context(TABLE))
    const requires = step !== undefined && 'requires' in step ? (step.requires ?? []) : []
    expect(requires.map(({ early, otherwise }) => [early, otherwise])).toEqual(
      asked.map((one) => [true, expect.stringContaining(one)]),
    )
    expect(requires[0]?.freedBy).toBe(`the constraint "${from}" of "public"."users"`)
  })

  test.each([
    ['a check', check('c', ['name'], 'CHECK (true)'), {}],
    ['a NOT NULL', notNull('n', 'name'), {}],
    ['a key', KEY, { only: true }],
  ])('of a partitioned table locks all that is renamed: %s', (_what, one, more) => {
    const parted = { ...TABLE, kind: 'partitioned' as const, constraints: [one] }
    const op = rename(one.name, 'b')
    const locks = [{ relation: USERS, level: 'access_exclusive', ...more }]
    expect(renameConstraint.contract(op, context(parted)).at(-1)).toHaveProperty('locks', locks)
    expect(renameConstraint.rollback(op, context(parted))).toMatchObject([{ locks }])
  })

  test('takes the index along', () => {
    const [after] = renameConstraint.apply(rename('a', 'b'), schemaOf(TABLE), facts()).tables
    expect(after?.constraints.find(({ name }) => name === 'b')).toEqual({ ...KEY, name: 'b', index: 'b' })
    expect(after?.indexes.at(-1)).toEqual(indexOf(KEY, { name: 'b', constraint: 'b' }))
  })

  test.each<[string, RenameConstraint, string, string]>([
    [
      'that is not there',
      rename('x', 'b'),
      'constraint_not_found',
      'The table "users" has no constraint "x".',
    ],
    [
      'to a name that is too long',
      rename('a', 'é'.repeat(32)),
      'name_invalid',
      `The constraint name "${'é'.repeat(32)}" has 64 bytes; PostgreSQL would cut it silently to 63.`,
    ],
    [
      'to the name of another one',
      rename('a', 'c'),
      'name_invalid',
      'The name "c" is taken: a constraint of "users" or a relation of "public" has it.',
    ],
    [
      'of a key to the name of a relation',
      rename('a', 'some_view'),
      'name_invalid',
      'The name "some_view" is taken: a constraint of "users" or a relation of "public" has it.',
    ],
    [
      'to its own name',
      rename('a', 'a'),
      'name_invalid',
      'The name "a" is taken: a constraint of "users" or a relation of "public" has it.',
    ],
  ])('refuses a constraint %s', (_what, op, code, message) => {
    const taken = facts({ names: { [nameKey({ namespace: 'public', name: 'some_view' })]: 'taken' } })
    expect(told(renameConstraint.check(op, context(TABLE, taken)))).toEqual([[code, message]])
  })

  test('lets a check have the name of a relation', () => {
    const taken = facts({ names: { [nameKey({ namespace: 'public', name: 'some_view' })]: 'taken' } })
    expect(renameConstraint.check(rename('c', 'some_view'), context(TABLE, taken))).toEqual([])
  })
})
