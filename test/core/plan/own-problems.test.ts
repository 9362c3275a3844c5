import { describe, expect, test } from 'vitest'
import { combined } from '../../../src/core/history/combine.ts'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { conditionKey, expressionKey, valueKey } from '../../../src/core/schema/facts.ts'
import {
  check,
  column,
  factsWithTypes,
  foreignKey,
  notNull,
  schemaOf,
  table,
  tableWith,
  thrownBy,
  USERS,
} from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const orders = { namespace: 'public', table: 'orders' } as const
const plain = { nullable: true, type: 'integer' } as const

const users = tableWith(
  [column('code'), column('note', 'text', { nullable: false }), column('owner', 'integer')],
  {
    constraints: [
      notNull('users_note_not_null', 'note'),
      check('owned', ['owner'], 'CHECK ((owner > 0))'),
      foreignKey('refusing', ['owner']),
      foreignKey('following', ['owner'], {
        definition: 'FOREIGN KEY (owner) REFERENCES public.teams(id) ON DELETE CASCADE',
      }),
    ],
  },
)
const schema = schemaOf(users, table({ name: 'teams' }))
const up = { table: USERS, expression: 'length(code)', fits: { type: 'integer' }, as: 'row' } as const
const VOLATILE = 'pg_catalog.random()'
const fromColumn = (name: string, expression: string) =>
  [valueKey({ ...up, table: { namespace: 'public', name }, expression }), { text: expression }] as const
const facts = factsWithTypes(
  { integer: 'integer', bigint: 'bigint' },
  {
    conditions: { [conditionKey(USERS, 'true')]: { volatility: 'stable' } },
    expressions: {
      [expressionKey('7', 'integer')]: { volatility: 'stable', text: '7' },
      [expressionKey(VOLATILE, 'integer')]: { volatility: 'volatile', text: VOLATILE },
    },
    values: {
      ...Object.fromEntries([
        ...['code', 'note', 'coalesce(code, 7)', 'coalesce(code, note)'].map((one) =>
          fromColumn('users', one),
        ),
        ...['id', 'size', 'length(id)'].map((one) => fromColumn('orders', one)),
      ]),
      [valueKey({ ...up, expression: VOLATILE, as: 'default' })]: { text: VOLATILE },
      [valueKey({ ...up, table: { namespace: 'public', name: 'orders' }, expression: '7', as: 'default' })]: {
        text: '7',
      },
      [valueKey(up)]: { text: 'length(code)' },
      [valueKey({ ...up, expression: '7', as: 'default' })]: { text: '7' },
    },
  },
)

const alter = (of: string, more: object): Operation => ({ kind: 'alter_column', ...on, column: of, ...more })
const drop = (name: string, of: { namespace: string; table: string } = on): Operation => ({
  kind: 'drop_constraint',
  ...of,
  name,
})
const add = (more: object): Operation => ({ kind: 'add_constraint', ...on, ...more })
const pointing = { kind: 'foreign_key', onDelete: 'no_action', onUpdate: 'no_action' } as const
const create = (columns: readonly string[] = ['id'], to?: string): Operation => ({
  kind: 'create_table',
  ...orders,
  columns: columns.map((name) => ({ ...plain, name })),
  constraints:
    to === undefined
      ? []
      : [{ ...pointing, columns: ['id'], references: { namespace: 'public', name: 'users', columns: [to] } }],
})
const filled: Operation = {
  kind: 'add_column',
  ...on,
  column: 'size',
  type: 'integer',
  nullable: false,
  up: 'length(code)',
  default: '7',
}
const filling = (from: string, more: object = {}): Operation => ({
  kind: 'add_column',
  ...on,
  column: 'login',
  type: 'integer',
  nullable: false,
  up: from,
  ...more,
})
const toTeams = (name: string): Operation =>
  add({
    name,
    foreign_key: {
      columns: ['owner'],
      references: { namespace: 'public', table: 'teams', columns: ['id'], on_delete: 'restrict' },
    },
  })
const key = (more: object = {}): Operation => add({ name: 'u', unique: ['owner'], ...more })
const keyTo = { columns: ['owner'], references: { ...on, columns: ['owner'] } }

const refusal = (operations: readonly Operation[]) =>
  thrownBy(() => makePlan({ name: 'm', operations }, schema, facts)).message

describe('what a migration makes itself', () => {
  test.each<[string, readonly Operation[], string]>([
    [
      'a check that goes again',
      [add({ name: 'c', check: 'true' }), drop('c')],
      'the constraint "c" of "users"',
    ],
    ['a key that goes again', [key(), drop('u')], 'the constraint "u" of "users"'],
    [
      'a rule of a column that goes again',
      [alter('code', { check: { constraint: 'true' } }), drop('users_check')],
      'the constraint "users_check" of "users"',
    ],
    [
      'a foreign key of a new table',
      [create(['id'], 'id'), drop('orders_id_fkey', orders)],
      'the constraint "orders_id_fkey" of "orders"',
    ],
    [
      'NOT NULL and NULL',
      [alter('code', { nullable: false }), alter('code', { nullable: true })],
      '"users"."code" NOT NULL',
    ],
    [
      'the same of a column that it fills',
      [filled, alter('size', { nullable: true })],
      '"users"."size" NOT NULL',
    ],
    [
      'the default of a column that it fills',
      [filled, alter('size', { default: null })],
      'itself fills "users"."size"',
    ],
    [
      'a column that is filled from one whose NOT NULL comes later',
      [alter('code', { nullable: false }), filling('code')],
      '"login" is NOT NULL and filled from "code", which the migration makes NOT NULL later',
    ],
    [
      'the same where it comes before the rollout',
      [alter('code', { nullable: false, when: 'before_rollout' }), filling('code')],
      '"login" is NOT NULL and filled from "code"',
    ],
    [
      'the same by a primary key',
      [create(), { kind: 'add_constraint', ...orders, primary_key: ['id'] }, filling('id', orders)],
      '"login" is NOT NULL and filled from "id"',
    ],
    [
      'NULL of a column that fills another one',
      [filling('note'), alter('note', { nullable: true })],
      'lets "users"."note" be NULL, and fills a column from it',
    ],
    [
      'a column that is filled from one that is filled',
      [
        create(),
        filling('length(id)', { ...orders, column: 'size', default: '7' }),
        filling('size', { ...orders, nullable: true }),
      ],
      '"up" of "login" names "size", which the migration itself fills row by row',
    ],
    [
      'the name of a foreign key that does more than to refuse',
      [drop('following'), toTeams('following')],
      'The name "following" of a constraint of "users" is taken until',
    ],
    [
      'another name of its own column',
      [create(), { kind: 'rename_column', ...orders, from: 'id', to: 'n' }],
      'the table "orders" itself',
    ],
    [
      'another type of its own column',
      [create(), { kind: 'change_type', ...orders, column: 'id', type: 'bigint' }],
      'the table "orders" itself',
    ],
    [
      'NULL in a table of its own',
      [
        { ...create(), columns: [{ ...plain, name: 'id', nullable: false }] } as Operation,
        { kind: 'alter_column', ...orders, column: 'id', nullable: true },
      ],
      '"orders"."id" NOT NULL',
    ],
    [
      'another column of its own table in the place of one',
      [create(), { kind: 'drop_column', ...orders, column: 'id' }],
      'the table "orders" itself',
    ],
    [
      'a new table that points at a key of the contract under another name',
      [key(), { kind: 'rename_constraint', ...on, from: 'u', to: 'v' }, create(['id'], 'owner')],
      'comes up before the key of "users"',
    ],
    [
      'a primary key in front of its NOT NULL',
      [
        { kind: 'create_table', ...orders, columns: [{ ...plain, name: 'id' }], constraints: [] },
        { kind: 'alter_column', ...orders, column: 'id', nullable: false },
        { kind: 'add_constraint', ...orders, primary_key: ['id'], when: 'before_rollout' },
      ],
      'The primary key "orders_pkey" comes up before "orders"."id" is NOT NULL',
    ],
    [
      'a replica identity by an index of the contract',
      [
        add({ name: 'u', unique: ['note'] }),
        { kind: 'set_table', ...on, set: {}, reset: [], replicaIdentity: { index: 'u' } },
      ],
      '"users" gets its replica identity before the migration has the index "u"',
    ],
    [
      'a replica identity by NOT NULL of the contract',
      [
        alter('owner', { nullable: false }),
        key({ when: 'before_rollout' }),
        { kind: 'set_table', ...on, set: {}, reset: [], replicaIdentity: { index: 'u' } },
      ],
      '"users" gets its replica identity before',
    ],
    [
      'a check by a name that goes with its column',
      [{ kind: 'drop_column', ...on, column: 'owner' }, add({ name: 'owned', check: 'true' })],
      'The name "owned" of a constraint of "users" is taken until',
    ],
    [
      'a new table that points at a key of the contract',
      [key(), create(['id'], 'owner')],
      'The foreign key "orders_id_fkey" of "orders" comes up before the key of "users"',
    ],
    [
      'a foreign key that is earlier than its key',
      [key(), add({ name: 'fk', when: 'before_rollout', foreign_key: keyTo })],
      'The foreign key "fk" of "users" comes up before',
    ],
  ])('is refused: %s', (_what, operations, message) => {
    expect(refusal(operations)).toContain(message)
  })

  test('is refused in two files that are done as one, too', () => {
    const [first, second] = [[add({ name: 'c', check: 'true' })], [drop('c')]]
    const both = combined([
      { name: 'a', operations: first },
      { name: 'b', operations: second },
    ])

    const error = thrownBy(() => makePlan(both, schema, facts))

    expect(error.hint).toBe(
      'Leave both out. Where they are of two migrations, have the run of the first completed before the second begins, without --all.',
    )
  })

  test.each<[string, readonly Operation[]]>([
    ['a foreign key with its key', [key(), add({ name: 'fk', foreign_key: keyTo })]],
    [
      'a foreign key behind its key',
      [key({ when: 'before_rollout' }), add({ name: 'fk', foreign_key: keyTo })],
    ],
    [
      'both before the rollout',
      [key({ when: 'before_rollout' }), add({ when: 'before_rollout', foreign_key: keyTo })],
    ],
    [
      'a key under the name that the migration gives it',
      [{ kind: 'rename_constraint', ...on, from: 'users_pkey', to: 'key' }, create(['id'], 'id')],
    ],
    ['the name of a foreign key that only refuses', [drop('refusing'), toTeams('refusing')]],
    ['a column that is filled from one that is NOT NULL', [filling('note')]],
    [
      'a column that is filled where the other is NULL',
      [alter('code', { nullable: false }), filling('coalesce(code, 7)')],
    ],
    [
      'a column that is filled from another one in that place',
      [alter('code', { nullable: false }), filling('coalesce(code, note)')],
    ],
    [
      'a column that is filled from one with which its table is made',
      [
        { ...create(), columns: [{ ...plain, name: 'id', nullable: false }] } as Operation,
        filling('id', orders),
      ],
    ],
    [
      'another default of a column that has its own at once',
      [filling('code', { up: undefined, default: VOLATILE }), alter('login', { default: '7' })],
    ],
    ['NULL where it was NOT NULL before', [alter('note', { nullable: true })]],
    [
      'what is not its own',
      [add({ name: 'c', check: 'true' }), { kind: 'alter_column', ...on, column: 'note', comment: 'x' }],
    ],
  ])('may be used: %s', (_what, operations) => {
    expect(makePlan({ name: 'm', operations }, schema, facts).steps.length).toBeGreaterThan(0)
  })
})

test('an index that the server was not asked about is refused', () => {
  const definition = 'create index on orders (id)'

  expect(refusal([create(), { kind: 'create_index', definition }])).toBe(
    'The server cannot be asked about the index on public.orders, which is not there under this name yet.',
  )
})
