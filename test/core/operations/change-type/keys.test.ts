import { describe, expect, test } from 'vitest'
import type { ChangeType } from '../../../../src/core/operations/change-type/change.ts'
import { changeType } from '../../../../src/core/operations/change-type.ts'
import { identityQuestion } from '../../../../src/core/operations/keys/identity.ts'
import type { Operation } from '../../../../src/core/operations/migration.ts'
import { makePlan } from '../../../../src/core/plan/make-plan.ts'
import type { StepDraft, TransactionStep } from '../../../../src/core/plan/step.ts'
import { collationKey } from '../../../../src/core/schema/mappings.ts'
import { findColumn, type Schema, type Table } from '../../../../src/core/schema/model.ts'
import {
  column,
  context,
  factsWithTypes,
  index,
  indexOf,
  mappingFacts,
  primaryKeyOf,
  schemaOf,
  thrownBy,
  told,
} from '../../../support/model.ts'
import { orders, POINTS, users } from '../../../support/pointed-at.ts'

const on = { namespace: 'public' } as const
const change = (more: Partial<ChangeType> = {}): ChangeType => ({
  kind: 'change_type',
  ...on,
  table: 'users',
  column: 'id',
  type: 'bigint',
  ...more,
})
const facts = (op: ChangeType) =>
  factsWithTypes(
    { bigint: 'bigint', integer: 'integer' },
    { answers: { [identityQuestion(op)]: [{ namespace: 'public', name: 'numbers' }] } },
  )

const SHOP = schemaOf(users(), orders())
const problems = (schema: Schema, more: Partial<ChangeType> = {}) =>
  told(changeType.check(change(more), context(schema, facts(change(more))))).map(([, message]) => message)
const stepsOf = (schema: Schema, op = change()) => {
  const seen = context(schema, facts(op))
  return {
    forward: [
      ...changeType.expand(op, seen),
      ...changeType.backfill(op, seen),
      ...changeType.contract(op, seen),
    ],
    back: changeType.rollback(op, seen),
  }
}
const does = (steps: readonly StepDraft[]) => steps.map((one) => one.does)
/** Without what no reader could tell apart. */
const statementsOf = (step: StepDraft | undefined) =>
  ((step as TransactionStep | undefined)?.statements ?? []).map((one) =>
    one.replaceAll(/_[0-9a-f]{8}_/g, '_#_'),
  )
const swapOf = (steps: readonly StepDraft[]) => steps.find(({ kind }) => kind === 'retire')

describe('a change of a key', () => {
  test('has a column follow that points at it, each with a copy of its own, and one swap for all', () => {
    const { forward, back } = stepsOf(SHOP)
    expect(does(forward).map((one) => one.replaceAll(/_[0-9a-f]{8}_/g, '_#_'))).toEqual([
      'keep a copy of "id" of "users" in step, as "bellows_new_#_id"',
      'keep a copy of "user_id" of "orders" in step, as "bellows_new_#_user_id"',
      'fill "bellows_new_#_id" from "id" where "users" still lacks it',
      'fill "bellows_new_#_user_id" from "user_id" where "orders" still lacks it',
      'compare "id" and "bellows_new_#_id" in every row of "users"',
      'have the database keep "id" and "bellows_new_#_id" equal from now on',
      'prove that every row of "users" keeps to it',
      'compare "user_id" and "bellows_new_#_user_id" in every row of "orders"',
      'have the database keep "user_id" and "bellows_new_#_user_id" equal from now on',
      'prove that every row of "orders" keeps to it',
      'build the index of the primary key "users_pkey" for the new column',
      'build a second index for the old key of "users", by which "users_pkey" can come back at once',
      'put the foreign key "points" of "orders" on the new columns for new rows',
      'check the foreign key "points" of "orders" on the new columns for the rows that are there',
      'have "id" of "users" and "user_id" of "orders" be the new columns, and hide the old',
      'drop the old column "id" of "users"',
      'drop the old column "user_id" of "orders"',
    ])
    expect(does(back).map((one) => one.replaceAll(/_[0-9a-f]{8}_/g, '_#_'))).toEqual([
      'have "id" of "users" and "user_id" of "orders" be the old columns again',
      'check the foreign key "points" of "orders" again, for the rows that are there',
      'drop the twin of the foreign key "points" of "orders"',
      'drop the column "bellows_new_#_user_id" of "orders" again',
      'drop the column "bellows_new_#_id" of "users" again',
    ])
  })

  test('swaps columns, sequence and keys in one transaction, in which nothing reads a table', () => {
    const swap = swapOf(stepsOf(SHOP).forward)
    const statements = statementsOf(swap).filter((one) => !/^\s*(create or replace function|do )/.test(one))
    expect(statements).toEqual([
      'alter table "public"."orders" drop constraint "points" restrict',
      'alter table "public"."users" drop constraint "users_pkey" restrict',
      'alter table "public"."users" rename column "id" to "bellows_retired_#_id"',
      'alter table "public"."users" rename column "bellows_new_#_id" to "id"',
      'alter table "public"."users" alter column "id" set not null',
      'alter sequence "public"."numbers" rename to "bellows_copy_#_numbers"',
      `select pg_catalog.setval('"public"."numbers"', last_value, is_called) from "public"."bellows_copy_#_numbers"`,
      'alter table "public"."users" alter column "bellows_retired_#_id" drop identity',
      'alter table "public"."orders" rename column "user_id" to "bellows_retired_#_user_id"',
      'alter table "public"."orders" rename column "bellows_new_#_user_id" to "user_id"',
      'alter table "public"."users" add constraint "users_pkey" primary key using index "bellows_copy_#_users_pkey"',
      'alter table "public"."users_pkey" rename column "bellows_new_#_id" to "id"',
      'alter table "public"."orders" rename constraint "bellows_copy_#_points" to "points"',
    ])
    expect((swap as TransactionStep | undefined)?.locks).toMatchObject([
      { relation: { name: 'orders' }, level: 'access_exclusive' },
      { relation: { name: 'users' }, level: 'access_exclusive' },
      { relation: { name: 'numbers' }, level: 'access_exclusive', implied: true },
    ])
  })

  test('leaves a column that takes every value of the new type, and moves its foreign key alone', () => {
    const wide = orders({ columns: [column('user_id', 'bigint'), column('paid', 'boolean')] })
    const { forward } = stepsOf(schemaOf(users(), wide))
    expect(does(forward).filter((one) => one.includes('"orders"'))).toEqual([
      'put the foreign key "points" of "orders" on the new columns for new rows',
      'check the foreign key "points" of "orders" on the new columns for the rows that are there',
    ])
    const add = forward.find((one) => one.does.startsWith('put the foreign key'))
    expect(statementsOf(add)).toEqual([
      'alter table "public"."orders" add constraint "bellows_copy_#_points" FOREIGN KEY (user_id) REFERENCES users (bellows_new_#_id) ON DELETE CASCADE not valid',
    ])
  })

  test('leaves also a column that is wider than the new type', () => {
    const small = users({
      columns: [column('id', 'smallint', { nullable: false, identity: 'always' }), column('name')],
    })
    const wide = orders({ columns: [column('user_id', 'bigint'), column('paid', 'boolean')] })
    const op = change({ type: 'integer' })
    expect(problems(schemaOf(small, wide), op)).toEqual([])
    expect(does(stepsOf(schemaOf(small, wide), op).forward).join()).not.toContain('"user_id"')
  })

  test('gives every column that follows the new type in the schema after it', () => {
    const after = changeType.apply(change(), SHOP, facts(change()))
    const types = after.tables.map((one) =>
      one.columns
        .filter(({ name }) => name !== 'paid' && name !== 'name')
        .map(({ name, type }) => `${name} ${type}`),
    )
    expect(types).toEqual([['id bigint'], ['user_id bigint']])
    expect(findColumn(after.tables[0] as Table, 'id')).toMatchObject({ identity: 'always', nullable: false })
  })
})

const SELLS = {
  name: 'sells',
  columns: ['seller'],
  definition: 'FOREIGN KEY (seller) REFERENCES users(id)',
}
const BOSSES = {
  name: 'bosses',
  columns: ['boss'],
  definition: 'FOREIGN KEY (boss) REFERENCES users(id)',
}

describe('a change of a key is refused', () => {
  const key = primaryKeyOf(['id'])
  test.for<readonly [string, Schema, Partial<ChangeType>, string]>([
    [
      'for a type into which not every value of what points at it goes',
      schemaOf(users(), orders({ columns: [column('user_id', 'text')] })),
      {},
      '"orders"."user_id" points at the column and would have to follow it: text cannot be assigned to bigint.',
    ],
    [
      'while a partitioned table has a foreign key to it that was never proved',
      schemaOf(users(), orders({ kind: 'partitioned', constraints: [{ ...POINTS, validated: false }] })),
      {},
      'The foreign key points of a partitioned table is not validated, and its copy would be, partition by partition.',
    ],
    [
      'while a table that points at it belongs to somebody else',
      schemaOf(users(), orders({ owned: false })),
      {},
      'The connected role may not change public.orders: it is not a member of the role that owns it.',
    ],
    [
      'while what points at it is an identity of its own',
      schemaOf(users(), orders({ columns: [column('user_id', 'integer', { identity: 'always' })] })),
      {},
      '"orders"."user_id" is an identity column, which cannot be moved to another column yet.',
    ],
    [
      'while the table is published',
      schemaOf(users({ published: true }), orders()),
      {},
      '"users" is published with its updates and deletes: subscribers know its rows by the primary key, and have only the old column.',
    ],
    [
      'where a table has no room for all of its columns that point at it',
      schemaOf(
        users(),
        orders({
          columns: [column('user_id', 'integer'), column('seller', 'integer')],
          constraints: [POINTS, { ...POINTS, ...SELLS }],
          columnSlots: 1599,
        }),
      ),
      {},
      '"orders" has 1 of its 1600 column slots left, and gets 2 new columns; PostgreSQL does not reuse those of dropped columns.',
    ],
    [
      'where it has no room for the column and one of its own that points at it',
      schemaOf(
        users({
          columns: [column('id', 'integer', { nullable: false }), column('boss', 'integer')],
          constraints: [key, { ...POINTS, ...BOSSES }],
          columnSlots: 1599,
        }),
        orders(),
      ),
      {},
      '"users" has 1 of its 1600 column slots left, and gets 2 new columns; PostgreSQL does not reuse those of dropped columns.',
    ],
    [
      'that is deferrable',
      schemaOf(users({ constraints: [{ ...key, deferrable: true }] }), orders()),
      {},
      'The primary key users_pkey is deferrable; a twin would be checked at once while it is built.',
    ],
    [
      'while a view stands on the key',
      schemaOf(
        users({
          constraints: [
            {
              ...key,
              dependents: ['constraint points on table public.orders', 'rule _RETURN on view public.named'],
            },
          ],
        }),
        orders(),
      ),
      {},
      'The rule _RETURN on view public.named needs the primary key users_pkey, which is made of another column in the contract.',
    ],
  ])('%s', ([, schema, more, message]) => {
    expect(problems(schema, more)).toEqual([message])
  })

  test('with changed values where a sequence gives them', () => {
    const op = change({ up: 'id + 1', down: 'id - 1' })
    const known = factsWithTypes({ bigint: 'bigint' }, { mappings: mappingFacts(changeType.needs(op)) })
    expect(told(changeType.check(op, context(SHOP, known))).map(([, message]) => message)).toContain(
      '"users"."id" is an identity: its values come from a sequence, and not from "up".',
    )
  })

  test('of another collation while something points at it', () => {
    const { type: _, ...op } = change({ collation: 'C' })
    const of = schemaOf(
      users({ columns: [column('id', 'text', { nullable: false }), column('name')] }),
      orders({ columns: [column('user_id', 'text'), column('paid', 'boolean')] }),
    )
    const C = { namespace: 'pg_catalog', name: 'C', deterministic: true }
    const known = factsWithTypes(
      {},
      { collations: { [collationKey({ namespace: 'public', name: 'C' })]: C } },
    )
    expect(told(changeType.check(op, context(of, known))).map(([, message]) => message)).toEqual([
      'The foreign key points on public.orders points at "id", and its columns keep their collation.',
    ])
  })

  test.for<readonly [string, readonly Operation[], string]>([
    [
      'and a column that follows it',
      [change(), { kind: 'drop_column', ...on, table: 'orders', column: 'user_id' }],
      '"orders"."user_id" changes with the column that it points at, and another operation of the migration touches it.',
    ],
    [
      'and the table of a column that follows it',
      [{ kind: 'rename_table', ...on, table: 'orders', to: 'sales' }, change()],
      '"orders"."user_id" changes with the column that it points at, and another operation of the migration touches it.',
    ],
    [
      'and the foreign key that points at it',
      [change(), { kind: 'drop_constraint', ...on, table: 'orders', name: 'points' }],
      'Two operations of the migration take away "points", or a column of it.',
    ],
    [
      'and a table that points at it',
      [
        {
          kind: 'create_table',
          ...on,
          table: 'notes',
          columns: [{ name: 'of_user', type: 'bigint', nullable: true }],
          constraints: [
            {
              kind: 'foreign_key',
              columns: ['of_user'],
              references: { namespace: 'public', name: 'users' },
              onDelete: 'no_action',
              onUpdate: 'no_action',
            },
          ],
        },
        change(),
      ],
      'The foreign key notes_of_user_fkey on public.notes comes in the migration, and "users"."id", which it points at, changes in it.',
    ],
  ])('beside another operation of the migration: %s', ([, operations, message]) => {
    const error = thrownBy(() => makePlan({ name: 'm', operations }, SHOP, facts(change())))
    expect(error.message).toContain(message)
    expect(error.hint).toContain('Put them into two migrations')
  })

  test('of which a primary key of a table behind it is a part, while that is changed as well', () => {
    const both = primaryKeyOf(['user_id', 'line'], 'orders_pkey')
    const lines = orders({
      columns: [
        column('user_id', 'integer', { nullable: false }),
        column('line', 'integer', { nullable: false }),
      ],
      constraints: [POINTS, both],
      indexes: [indexOf(both), index('by_line', ['line'])],
    })
    const operations = [change(), change({ table: 'orders', column: 'line' })]
    const error = thrownBy(() =>
      makePlan({ name: 'm', operations }, schemaOf(users(), lines), facts(change())),
    )
    expect(error.message).toBe('Two operations of the migration take away "orders_pkey", or a column of it.')
  })
})
