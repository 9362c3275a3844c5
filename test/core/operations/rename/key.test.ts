import { describe, expect, test } from 'vitest'
import { identityQuestion } from '../../../../src/core/operations/keys/identity.ts'
import { renameHazards } from '../../../../src/core/operations/rename/checks.ts'
import type { RenameColumn } from '../../../../src/core/operations/rename/rename.ts'
import { workFor } from '../../../../src/core/operations/rename/work.ts'
import { renameColumn } from '../../../../src/core/operations/rename-column.ts'
import type { StepDraft } from '../../../../src/core/plan/step.ts'
import { findTable, type Schema, type Table } from '../../../../src/core/schema/model.ts'
import {
  context,
  factsWithTypes,
  foreignKey,
  index,
  indexOf,
  schemaOf,
  told,
} from '../../../support/model.ts'
import { orders as ordersOf, POINTS, USERS_KEY, users } from '../../../support/pointed-at.ts'
import { rename } from '../../../support/rename.ts'

const op = (more: Partial<RenameColumn> = {}) => rename({ from: 'id', to: 'number', ...more })
const known = factsWithTypes(
  { bigint: 'bigint', integer: 'integer' },
  {
    answers: {
      [identityQuestion({ namespace: 'public', table: 'users', column: 'id' })]: [
        { namespace: 'public', name: 'users_id_seq' },
      ],
    },
  },
)

const orders = (more: Partial<Table> = {}): Table =>
  ordersOf({ constraints: [{ ...POINTS, comment: 'whose' }], ...more })
const SHOP = schemaOf(users(), orders())

const problems = (schema: Schema, more: Partial<RenameColumn> = {}) =>
  told(renameColumn.check(op(more), context(schema, known))).map(([, message]) => message)
const does = (steps: readonly StepDraft[]) => steps.map((one) => `${one.phase}: ${one.does}`)
const withoutTags = (text: string) => text.replaceAll(/_[0-9a-f]{8}_/g, '_#_')

describe('another name of a key', () => {
  test('has the key and what points at it on both columns, from before it is offered to the purge', () => {
    expect(does(renameColumn.contract(op(), context(SHOP, known)))).toEqual([
      'verify: compare "id" and "number" in every row of "users"',
      'verify: have the database keep "id" and "number" equal from now on',
      'verify: prove that every row of "users" keeps to it',
      'verify: build the index "users_pkey" for "number"',
      'verify: offer "number" to new instances',
      'verify: put the foreign key "points" of "orders" on the new columns for new rows',
      'verify: check the foreign key "points" of "orders" on the new columns for the rows that are there',
      'rollout: wait until nobody needs "users"."id"',
      'retire: hide the column "id" of "users"',
      'purge: drop the column "id" of "users"',
    ])
    expect(does(renameColumn.rollback(op(), context(SHOP, known)))).toEqual([
      'retire: bring the column "id" of "users" back',
      'expand: drop the twin of the foreign key "points" of "orders"',
      'expand: drop the column "number" of "users" again',
    ])
  })

  test('has what points at it from a partitioned table on both columns by its partitions', () => {
    const parted = schemaOf(users(), orders({ kind: 'partitioned' }))
    const [step] = renameColumn
      .contract(op(), context(parted, known))
      .filter(({ kind }) => kind === 'foreign_key_parts')
    expect(step).toMatchObject({
      phase: 'verify',
      how: 'add',
      definition: 'FOREIGN KEY (user_id) REFERENCES users (number) ON DELETE CASCADE',
    })
    expect(renameColumn.rollback(op(), context(parted, known)).map(({ kind }) => kind)).toContain(
      'foreign_key_parts',
    )
    const unproved = orders({ kind: 'partitioned', constraints: [{ ...POINTS, validated: false }] })
    expect(problems(schemaOf(users(), unproved))).toEqual([
      'The foreign key points of a partitioned table is not validated, and its copy would be, partition by partition.',
    ])
    const hint = (definition: string) => {
      const constraints = [{ ...POINTS, definition, validated: false }]
      const schema = schemaOf(users(), orders({ kind: 'partitioned', constraints }))
      return renameColumn.check(op(), context(schema, known)).map((problem) => problem.hint)
    }
    expect(hint(`${POINTS.definition} NOT VALID`)).toEqual(['Validate it first.'])
    expect(hint(`${POINTS.definition} NOT ENFORCED`)).toEqual([
      'It is not enforced, so it cannot be. Drop it for the time of the migration, and add it again afterwards.',
    ])
  })

  test('puts the keys over in the purge, with the sequence: the table locked first, and the others in one order', () => {
    const purge = renameColumn.contract(op(), context(SHOP, known)).at(-1)
    if (purge?.kind !== 'purge') throw new Error('the last step drops')
    expect(purge.locks.map(({ relation, level, implied }) => [relation.name, level, implied])).toEqual([
      ['users', 'access_exclusive', undefined],
      ['orders', 'access_exclusive', undefined],
      ['users_id_seq', 'access_exclusive', true],
    ])
    const statements = purge.statements.map(withoutTags)
    const place = (start: string) => statements.findIndex((one) => one.includes(start))
    const inOrder = [
      'then alter table "public"."orders" drop constraint "points" restrict; else alter table "public"."orders" drop constraint "bellows_copy_#_points" restrict;',
      'alter table "public"."users" alter column "number" set not null',
      'alter sequence "public"."users_id_seq" rename to "bellows_copy_#_users_id_seq"',
      `select pg_catalog.setval('"public"."users_number_seq"', last_value, is_called) from "public"."bellows_copy_#_users_id_seq"`,
      'alter table "public"."users" alter column "bellows_retired_#_id" drop identity',
      'alter table "public"."users" drop constraint "bellows_proof_#_id"',
      'alter table "public"."users" add constraint "users_pkey" primary key using index "bellows_copy_#_users_pkey"',
      'alter table "public"."orders" rename constraint "bellows_copy_#_points" to "points"; comment on constraint "points" on "public"."orders" is',
    ].map(place)
    expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b))
    expect(inOrder).not.toContain(-1)
  })

  test('is known to the gate and to the step that hides, which count all else that depends on it', () => {
    const steps = renameColumn.contract(op(), context(SHOP, known))
    expect(steps.find(({ kind }) => kind === 'gate')).toMatchObject({ along: ['points on public.orders'] })
    const hide = steps.find(({ kind }) => kind === 'retire')
    const requires = hide?.kind === 'retire' ? hide.requires.map((one) => one.that).join('\n') : ''
    expect(requires).toContain(`where not (kind = 'foreign key' and name in ('points on public.orders'))`)
    const found = renameHazards(op(), workFor(op(), context(SHOP, known))).map(({ code }) => code)
    expect(found).toEqual(['column_is_last', 'may_break', 'may_break'])
  })

  test('takes any value of an INSERT for left out, because an identity gives one to every row', () => {
    const [step] = renameColumn.expand(op(), context(SHOP, known))
    const body = step !== undefined && 'statements' in step ? step.statements.join('\n') : ''
    expect(body).toContain('elsif true then')
  })

  test('leaves foreign keys that point at the new name', () => {
    const after = renameColumn.apply(op(), SHOP, known)
    expect(
      findTable(after, { namespace: 'public', name: 'orders' })?.constraints.map(
        ({ definition }) => definition,
      ),
    ).toEqual(['FOREIGN KEY (user_id) REFERENCES users (number) ON DELETE CASCADE'])
    const table = findTable(after, { namespace: 'public', name: 'users' })
    expect(table?.constraints).toMatchObject([{ name: 'users_pkey', columns: ['number'] }])
    expect(table?.indexes).toMatchObject([{ name: 'users_pkey', columns: ['number'] }])
  })

  test.each<[string, Schema, Partial<RenameColumn>, string]>([
    [
      'another type while foreign keys point at it',
      SHOP,
      { type: 'bigint' },
      'Foreign keys point at "users"."id", and their columns would have to become another type with it.',
    ],
    [
      'a narrower type of an identity',
      schemaOf(users({ constraints: [], indexes: [], referencedBy: [], dependents: [] })),
      { type: 'bigint', transform: 'trim', overlap: 'forward_only' },
      '"id" cannot be copied to "number": "trim" works on text, not from integer to bigint.',
    ],
    [
      'a key that is deferrable',
      schemaOf(users({ constraints: [{ ...USERS_KEY, deferrable: true }] }), orders()),
      {},
      'The primary key users_pkey is deferrable; a twin would be checked at once while it is built.',
    ],
    [
      'a key of a table that is published',
      schemaOf(users({ published: true }), orders()),
      {},
      '"users" is published with its updates and deletes: subscribers know its rows by the primary key, and have only the old column.',
    ],
    [
      'a key that a view groups by',
      schemaOf(users({ constraints: [{ ...USERS_KEY, dependents: ['view public.named'] }] }), orders()),
      {},
      'The view public.named needs the primary key users_pkey, which is made of another column in the contract.',
    ],
    [
      'a foreign key that a partition has for itself',
      schemaOf(users(), orders({ kind: 'partition' })),
      {},
      'The partition public.orders has the foreign key points of its own, which points at the column.',
    ],
    [
      'a foreign key of a table of somebody else',
      schemaOf(users(), orders({ owned: false })),
      {},
      'The connected role may not change public.orders: it is not a member of the role that owns it.',
    ],
    [
      'a foreign key that leads from the column to itself',
      schemaOf(
        users({
          referencedBy: [],
          dependents: [],
          constraints: [
            USERS_KEY,
            foreignKey('own', ['id'], {
              definition: 'FOREIGN KEY (id) REFERENCES users(id)',
              references: { namespace: 'public', name: 'users' },
            }),
          ],
        }),
      ),
      {},
      'The foreign key own leads from "id" to "id" of the same table, both of which get another name.',
    ],
    [
      'a foreign key on an index that includes the column',
      schemaOf(
        users({
          indexes: [
            indexOf(USERS_KEY),
            index('by_name', ['name', 'id'], { unique: true, foreignKeys: ['other on public.orders'] }),
          ],
        }),
        orders(),
      ),
      {},
      'The foreign key other on public.orders stands on by_name, which includes "id" and is made anew with it.',
    ],
  ])('is refused with %s', (_what, schema, more, message) => {
    expect(problems(schema, more)).toContain(message)
  })

  test('is refused for nothing else', () => {
    expect(problems(SHOP)).toEqual([])
  })
})
