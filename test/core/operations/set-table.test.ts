import { describe, expect, test } from 'vitest'
import type { SetTable } from '../../../src/core/operations/set-table/set-table.ts'
import { setTable } from '../../../src/core/operations/set-table.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import { column, context, index, primaryKeyOf, schemaOf, table, told } from '../../support/model.ts'

const set = (more: Partial<SetTable> = {}): SetTable => ({
  kind: 'set_table',
  namespace: 'public',
  table: 'users',
  set: {},
  reset: [],
  ...more,
})
const BEFORE = table({
  comment: 'before',
  options: ['fillfactor=90', 'parallel_workers=2'],
  indexes: [
    index('users_pkey', ['id'], { unique: true }),
    index('by_name', ['name'], { unique: true, replicaIdentity: true }),
  ],
  replicaIdentity: 'index',
})
const all = set({
  comment: null,
  set: { fillfactor: '70', autovacuum_enabled: 'false' },
  reset: ['parallel_workers'],
  replicaIdentity: 'full',
})

test('sets everything in one statement, and goes back to exactly what was', () => {
  const of = context(BEFORE)
  expect(setTable.expand(all, of)).toMatchObject([
    {
      statements: [
        `alter table "public"."users" set (autovacuum_enabled = 'false', fillfactor = '70'), reset (parallel_workers), replica identity full`,
        'comment on table "public"."users" is null',
      ],
      locks: [{ level: 'access_exclusive' }],
    },
  ])
  expect(setTable.rollback(all, of)).toMatchObject([
    {
      statements: [
        `alter table "public"."users" set (fillfactor = '90', parallel_workers = '2'), reset (autovacuum_enabled), replica identity using index "by_name"`,
        `comment on table "public"."users" is 'before'`,
      ],
    },
  ])
})

test.each<[string, Partial<SetTable>, string]>([
  ['a comment', { comment: 'x' }, 'share_update_exclusive'],
  ['a fillfactor', { set: { fillfactor: '70' } }, 'share_update_exclusive'],
  ['what was set', { reset: ['autovacuum_enabled'] }, 'share_update_exclusive'],
  ['the one parameter that stops everybody', { set: { user_catalog_table: 'true' } }, 'access_exclusive'],
  ['the replica identity', { replicaIdentity: 'full' }, 'access_exclusive'],
])('takes the lock that %s needs', (_what, more, level) => {
  expect(setTable.expand(set(more), context(BEFORE))).toMatchObject([{ locks: [{ level }] }])
})

test('says in the model what is there afterwards', () => {
  const after = setTable.apply(all, schemaOf(BEFORE), context(BEFORE).facts).tables[0]
  expect(after).toMatchObject({
    comment: null,
    options: ['autovacuum_enabled=false', 'fillfactor=70'],
    replicaIdentity: 'full',
  })
  expect(after?.indexes.some(({ replicaIdentity }) => replicaIdentity)).toBe(false)
})

test('says that a full identity of a published table makes the log grow', () => {
  const codes = (of: Table) =>
    setTable
      .expand(set({ replicaIdentity: 'full' }), context(of))
      .flatMap(({ hazards }) => hazards.map(({ code }) => code))
  expect(codes(BEFORE)).toEqual([])
  expect(codes({ ...BEFORE, publications: ['told'] })).toEqual(['log_grows'])
})

describe('settings that a table cannot have', () => {
  const identity = (name: string) => ({ replicaIdentity: { index: name } })
  const of = table({
    columns: [column('id', 'bigint', { nullable: false }), column('name')],
    constraints: [primaryKeyOf(['id'])],
    indexes: [
      index('plain', ['id']),
      index('nullable', ['name'], { unique: true }),
      index('some', ['id'], {
        unique: true,
        definition: 'CREATE UNIQUE INDEX some ON public.users USING btree (id) WHERE (id > 0)',
      }),
      index('broken', ['id'], { unique: true, valid: false }),
      index('computed', ['id'], { unique: true, nameParts: ['abs'] }),
    ],
  })
  test.each<[string, Partial<SetTable>, string, string]>([
    ['nothing', {}, 'migration_invalid', 'The operation sets nothing of "users".'],
    [
      'no parameter',
      { set: { 'fillfactor) ; --': '1' } },
      'migration_invalid',
      '"fillfactor) ; --" is no storage parameter of a table.',
    ],
    [
      'one both ways',
      { set: { fillfactor: '70' }, reset: ['fillfactor'] },
      'migration_invalid',
      '"fillfactor" is both set and reset.',
    ],
    ['no index', identity('nobody'), 'plan_refused', 'The index "nobody" of "users" does not exist.'],
    ['an index of twins', identity('plain'), 'plan_refused', 'The index "plain" of "users" is not unique.'],
    [
      'an index of NULLs',
      identity('nullable'),
      'plan_refused',
      'The index "nullable" of "users" is on a column that may be NULL.',
    ],
    [
      'an index of some rows',
      identity('some'),
      'plan_refused',
      'The index "some" of "users" is of some rows only.',
    ],
    [
      'an index that is not valid',
      identity('broken'),
      'plan_refused',
      'The index "broken" of "users" is not valid.',
    ],
    [
      'an index of an expression',
      identity('computed'),
      'plan_refused',
      'The index "computed" of "users" is on an expression.',
    ],
  ])('%s', (_what, more, code, message) => {
    expect(told(setTable.check(set(more), context(of)))).toEqual([[code, message]])
  })

  test('no identity although its rows are published', () => {
    const published = { ...of, publications: ['told'] }
    const problems = (more: Partial<SetTable>, one: Table) => setTable.check(set(more), context(one)).length
    expect(problems({ replicaIdentity: 'nothing' }, of)).toBe(0)
    expect(problems({ replicaIdentity: 'nothing' }, published)).toBe(1)
    expect(problems({ replicaIdentity: 'default' }, published)).toBe(0)
    expect(problems({ replicaIdentity: 'default' }, { ...published, constraints: [] })).toBe(1)
  })
})
