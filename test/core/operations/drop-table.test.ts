import { describe, expect, test } from 'vitest'
import { type DropTable, dropTable } from '../../../src/core/operations/drop-table.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import { column, context, facts, foreignKey, schemaOf, table, tableWith, told } from '../../support/model.ts'

const op: DropTable = { kind: 'drop_table', namespace: 'public', table: 'users' }
const users = { namespace: 'public', name: 'users' }
const teams = { namespace: 'public', name: 'teams' }
const key = {
  constraint: 'orders_user_fkey',
  table: { namespace: 'public', name: 'orders' },
  identity: 'orders_user_fkey on public.orders',
}
const contract = (of: Table) => dropTable.contract(op, context(of))

test('hides the table behind its gate, then drops its foreign keys one by one, and last the table', () => {
  const of = tableWith([column('team'), column('boss')], {
    constraints: [
      foreignKey('users_team_fkey', ['team']),
      foreignKey('users_boss_fkey', ['boss'], { references: users }),
    ],
  })
  const steps = contract(of)
  expect(steps.map(({ kind, phase }) => [kind, phase])).toEqual([
    ['gate', 'rollout'],
    ['retire', 'retire'],
    ['purge', 'purge'],
    ['purge', 'purge'],
  ])
  const hidden = { namespace: 'public', name: expect.stringMatching(/^bellows_retired_[0-9a-f]{8}_users$/) }
  expect(steps[1]).toMatchObject({
    retires: { table: users },
    hazards: [
      {
        code: 'may_break',
        because: expect.stringMatching(/^Until the purge the foreign key users_team_fkey /),
      },
    ],
    locks: [{ relation: users, level: 'access_exclusive' }],
    requires: [{ code: 'gate_expired' }, { code: 'dependents_found' }],
    statements: [
      expect.stringMatching(/^alter table "public"."users" rename to "bellows_retired_\w+_users"$/),
      expect.stringContaining('retired'),
    ],
  })
  expect(steps[2]).toMatchObject({
    statements: [
      expect.stringMatching(
        /^alter table "public"."bellows_retired_\w+_users" drop constraint "users_team_fkey"$/,
      ),
    ],
    locks: [
      { relation: hidden, level: 'access_exclusive' },
      { relation: teams, level: 'access_exclusive', implied: true },
    ],
  })
  expect(steps[3]).toMatchObject({
    statements: [
      expect.stringMatching(/^drop table "public"."bellows_retired_\w+_users" restrict$/),
      expect.stringContaining('delete from bellows.column_state'),
    ],
    locks: [{ relation: hidden, level: 'access_exclusive' }],
    requires: [{ code: 'drift_found' }],
    changes: { kind: 'dropped', table: 'users' },
  })
  expect(dropTable.rollback(op, context(of))).toMatchObject([
    {
      phase: 'retire',
      statements: [expect.stringMatching(/rename to "users"$/), expect.stringContaining('delete from')],
    },
  ])
})

test('takes the table out of the model, and what others knew of it', () => {
  const other = table({
    name: 'teams',
    referencedBy: [
      { constraint: 'users_team_fkey', table: users, identity: 'users_team_fkey on public.users' },
    ],
  })
  const after = dropTable.apply(op, schemaOf(table(), other), facts())
  expect(after.tables).toMatchObject([{ name: 'teams', referencedBy: [] }])
})

test('says which sequences go with it, and what hangs on it', () => {
  const of = table({
    columns: [column('id', 'integer', { sequences: [{ namespace: 'public', name: 'users_id_seq' }] })],
    dependents: [{ kind: 'view', name: 'public.names' }],
    mentions: [{ kind: 'function', name: 'public.f()' }],
  })
  expect(contract(of).flatMap(({ hazards }) => hazards.map(({ because }) => because))).toEqual([
    'The view public.names uses "users". Change or drop it before the contract, which never cascades.',
    'The function public.f() may use "users" in its text.',
    'The rows of "users" are gone after this step; there is no way back.',
    'The sequence users_id_seq is owned by "users" and is dropped with it.',
  ])
})

describe('a table that cannot be dropped', () => {
  test.each<[string, Partial<Table>, string]>([
    [
      'is a partition',
      { kind: 'partition' },
      'public.users is a partition, which this operation does not support yet.',
    ],
    [
      'inherits',
      { inherits: true },
      'public.users takes part in table inheritance; triggers do not reach its other tables.',
    ],
    [
      'is of somebody else',
      { owned: false },
      'The connected role may not change public.users: it is not a member of the role that owns it.',
    ],
    [
      'is pointed at',
      { referencedBy: [key] },
      'The foreign key orders_user_fkey of "orders" points at "users".',
    ],
    [
      'belongs to an extension',
      { dependents: [{ kind: 'extension', name: 'postgis' }] },
      '"users" belongs to the extension postgis.',
    ],
  ])('%s', (_what, more, message) => {
    expect(told(dropTable.check(op, context(table(more))))).toEqual([['plan_refused', message]])
  })

  test('has more partitions than gates can be passed at once', () => {
    const parts = Array.from({ length: 101 }, (_, at) => ({
      namespace: 'public',
      name: `users_${at}`,
      kind: 'table' as const,
      under: users,
      owned: true,
      own: [],
    }))
    const of = (count: number) => table({ kind: 'partitioned', parts: parts.slice(0, count) })
    expect(dropTable.check(op, context(of(100)))).toEqual([])
    const [problem] = dropTable.check(op, context(of(101)))
    expect(problem).toMatchObject({
      code: 'plan_refused',
      message: '"users" has 101 partitions, each with a gate; at most 100 can be passed and hidden at once.',
      hint: expect.stringContaining('Detach or drop partitions first, in portions'),
    })
  })

  test('is pointed at by a foreign key that an operation in front of this one takes away: it can', () => {
    const of = table({ referencedBy: [key], dependents: [{ kind: 'foreign key', name: key.identity }] })
    const without = { ...context(), schema: schemaOf(of, table({ name: 'orders', constraints: [] })) }
    expect(dropTable.check(op, without)).toEqual([])
    const [gate, retire] = dropTable.contract(op, without)
    expect(gate).toMatchObject({ along: [key.identity] })
    expect(retire).toMatchObject({
      hazards: [],
      requires: [{}, { that: expect.stringContaining(key.identity) }],
    })
    const still = {
      ...context(),
      schema: schemaOf(of, table({ name: 'orders', constraints: [foreignKey(key.constraint, ['id'])] })),
    }
    expect(dropTable.check(op, still)).toHaveLength(1)
  })
})
