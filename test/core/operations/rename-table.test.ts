import { describe, expect, test } from 'vitest'
import { type RenameTable, renameTable } from '../../../src/core/operations/rename-table.ts'
import { nameKey } from '../../../src/core/schema/facts.ts'
import { findTable, type Table, type TableGrant } from '../../../src/core/schema/model.ts'
import { column, context, facts, foreignKey, schemaOf, table, told } from '../../support/model.ts'

const op: RenameTable = { kind: 'rename_table', namespace: 'public', table: 'users', to: 'the people' }
const users = { namespace: 'public', name: 'users' }
const people = { namespace: 'public', name: 'the people' }
const grant = (privilege: string, more: Partial<TableGrant> = {}): TableGrant => ({
  grantee: 'app',
  toPublic: false,
  privilege,
  grantable: false,
  ...more,
})
const GRANTED = table({
  comment: 'them',
  grants: [
    grant('SELECT', { grantee: 'public', toPublic: true }),
    grant('INSERT', { grantable: true }),
    grant('TRIGGER'),
  ],
})
const VIEW = [
  'create view "public"."the people" with (security_invoker = true) as select "id", "name" from "public"."users"',
  `comment on view "public"."the people" is 'them'`,
  'grant select on "public"."the people" to public',
  'grant insert on "public"."the people" to "app" with grant option',
]
const FORGET = `delete from bellows.column_state where (namespace, "table", "column") = ('public', 'users', '')`

test('makes a view of the new name, and puts the table in its place behind the gate of the old one', () => {
  const [made] = renameTable.expand(op, context(GRANTED))
  expect(made).toMatchObject({
    statements: VIEW,
    locks: [
      { relation: people, implied: true },
      { level: 'access_share', implied: true },
    ],
    changes: { kind: 'renamed', from: 'users', to: 'the people' },
  })
  const steps = renameTable.contract(op, context(GRANTED))
  expect(steps).toMatchObject([
    { kind: 'gate', table: users, follows: true },
    {
      kind: 'retire',
      retires: { table: users },
      // As clients of the view lock them: another order would be a deadlock.
      locks: [
        { relation: people, level: 'access_exclusive' },
        { relation: users, level: 'access_exclusive' },
      ],
      requires: [{ code: 'gate_expired' }, { code: 'dependents_found' }, { code: 'drift_found' }],
      statements: [
        'drop view "public"."the people" restrict',
        'alter table "public"."users" rename to "the people"',
        expect.stringContaining(`values ('public', 'users', '', 'retired'`),
      ],
    },
    { kind: 'purge', locks: [], statements: [FORGET] },
  ])
})

test('swaps back while the old name can be had, and drops the view last', () => {
  expect(renameTable.rollback(op, context(GRANTED))).toMatchObject([
    {
      phase: 'retire',
      requires: [{ code: 'drift_found' }],
      statements: [
        'alter table "public"."the people" rename to "users"',
        ...VIEW,
        expect.stringContaining('create or replace view "public"."the people"'),
        FORGET,
      ],
    },
    {
      phase: 'expand',
      requires: [{ code: 'dependents_found' }],
      statements: ['drop view "public"."the people" restrict'],
      retires: { table: people },
    },
  ])
})

test('lets the view go by the rights of its owner where some have rights on single columns, or before PostgreSQL 15', () => {
  const single = { ...grant('SELECT'), privilege: 'SELECT' as const }
  const of = table({ columns: [column('id', 'bigint', { grants: [single] })] })
  const first = (one: Table, known = facts()) => {
    const [step] = renameTable.expand(op, context(one, known))
    return step !== undefined && 'statements' in step ? step.statements : []
  }
  expect(first(of)).toEqual([
    'create view "public"."the people" as select "id" from "public"."users"',
    'grant select ("id") on "public"."the people" to "app"',
  ])
  expect(first(table(), facts({ serverVersion: 140_005 }))[0]).not.toContain('security_invoker')
})

test('renames the table in the model, and wherever it is pointed at', () => {
  const self = foreignKey('boss', ['name'], { references: users })
  const pointing = {
    constraint: 'users_team_fkey',
    table: users,
    identity: 'users_team_fkey on public.users',
  }
  const before = schemaOf(
    table({ constraints: [self] }),
    table({ name: 'notes', constraints: [self], referencedBy: [pointing] }),
  )
  const after = renameTable.apply(op, before, facts())
  expect(findTable(after, users)).toBeUndefined()
  expect(findTable(after, people)?.constraints[0]?.references).toEqual(people)
  expect(after.tables[1]).toMatchObject({
    constraints: [{ references: people }],
    referencedBy: [{ table: people, identity: 'users_team_fkey on public."the people"' }],
  })
})

test('says what the view cannot do, what blocks and what follows', () => {
  const of = table({
    dependents: [
      { kind: 'view', name: 'public.names', bound: true },
      { kind: 'function', name: 'public.f()' },
    ],
    mentions: [
      { kind: 'function', name: 'public.f()' },
      { kind: 'function', name: 'public.g()' },
    ],
    publications: ['told'],
  })
  const known = facts({ serverVersion: 160_000 })
  const steps = [
    ...renameTable.expand(op, context(of, known)),
    ...renameTable.contract(op, context(of, known)),
  ]
  expect(steps.flatMap(({ hazards }) => hazards.map(({ code, because }) => [code, because]))).toEqual([
    [
      'narrow_until_contract',
      'Until the contract "the people" is a view of "users": COPY, TRUNCATE, MERGE, ON CONFLICT ON CONSTRAINT, TABLESAMPLE, system columns such as ctid, and GROUP BY of its key alone fail on it.',
    ],
    [
      'blocks_contract',
      'The function public.f() says "users". Change it to "the people" before the contract.',
    ],
    ['may_break', 'The function public.g() may use "users" in its text.'],
    ['follows_rename', 'The view public.names follows "users" to "the people" without a word.'],
    [
      'may_break',
      'The publication told tells of "the people" from then on: a subscriber must have a table of that name.',
    ],
  ])
})

describe('a table that cannot be renamed', () => {
  const problems = (more: Partial<RenameTable>, of: Table, known = facts()) =>
    told(renameTable.check({ ...op, ...more }, context(of, known)))
  test.each<[string, Partial<RenameTable>, Partial<Table>, string, string]>([
    ['to its own name', { to: 'users' }, {}, 'migration_invalid', '"users" has that name already.'],
    [
      'to a name too long',
      { to: 'x'.repeat(64) },
      {},
      'name_invalid',
      `The name "${'x'.repeat(64)}" of the table has 64 bytes; PostgreSQL would cut it silently to 63.`,
    ],
    [
      'as it is a view',
      {},
      { kind: 'view' },
      'plan_refused',
      'public.users is a view, which this operation does not support yet.',
    ],
  ])('%s', (_what, more, of, code, message) => {
    expect(problems(more, table(of))).toEqual([[code, message]])
  })

  test('to a name that is taken', () => {
    const known = facts({ names: { [nameKey(people)]: 'taken' } })
    expect(problems({}, table(), known)).toEqual([
      [
        'plan_refused',
        'The name "the people" of the table is taken in "public", by a table, an index, a type or the like.',
      ],
    ])
  })

  test('as its view would go round its row security', () => {
    const of = table({ rowSecurity: true })
    expect(problems({}, of)).toEqual([])
    expect(problems({}, of, facts({ serverVersion: 140_000 }))).toEqual([
      ['plan_refused', '"users" has row security, and before PostgreSQL 15 a view goes round it.'],
    ])
    const single = { ...grant('SELECT'), privilege: 'SELECT' as const }
    expect(problems({}, { ...of, columns: [column('id', 'bigint', { grants: [single] })] })).toHaveLength(1)
  })
})
