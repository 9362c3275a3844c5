import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { id } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'
import {
  CROWDED,
  HARD_TABLES,
  type HardTable,
  hardTable,
  tableName,
  usingSlots,
} from '../support/hard-tables.ts'
import { liveThrough } from '../support/lifecycle.ts'

/** What an operation makes of a hard table, and how its new version works with it. */
interface Trial {
  readonly operation: (hard: HardTable) => Operation
  /** Columns in the end, besides the key. */
  readonly columns: (hard: HardTable) => readonly string[]
  /** What else the database has in the end. */
  readonly besides?: (hard: HardTable) => string
  /** Columns that the new version writes. */
  readonly writes: (hard: HardTable) => readonly string[]
}

const on = ({ namespace, table }: HardTable) => ({ namespace, table })
const given = ({ column, legacy }: HardTable) => [
  `${id(column)} text not null`,
  `${id(legacy)} text not null`,
]

const lowerIndex = (hard: HardTable) => `create index on ${tableName(hard)} (lower(${id(hard.column)}))`

/** A new operation adds what it does to the columns of a table. */
const TRIALS: Readonly<Record<string, Trial>> = {
  'add_column, at once': {
    operation: (hard) => ({
      kind: 'add_column',
      ...on(hard),
      column: hard.free,
      type: 'text',
      nullable: true,
    }),
    columns: (hard) => [...given(hard), `${id(hard.free)} text`],
    writes: ({ column, legacy, free }) => [column, legacy, free],
  },
  'add_column, row by row': {
    operation: (hard) => ({
      kind: 'add_column',
      ...on(hard),
      column: hard.free,
      type: 'text',
      nullable: false,
      up: `lower(${id(hard.column)})`,
      default: `'none'`,
    }),
    columns: (hard) => [...given(hard), `${id(hard.free)} text not null default 'none'`],
    writes: ({ column, legacy, free }) => [column, legacy, free],
  },
  drop_column: {
    operation: (hard) => ({
      kind: 'drop_column',
      ...on(hard),
      column: hard.legacy,
      down: `lower(${id(hard.column)})`,
    }),
    columns: (hard) => given(hard).slice(0, 1),
    writes: ({ column }) => [column],
  },
  alter_column: {
    operation: (hard) => ({ kind: 'alter_column', ...on(hard), column: hard.legacy, default: `'none'` }),
    columns: (hard) => [...given(hard).slice(0, 1), `${id(hard.legacy)} text not null default 'none'`],
    writes: ({ column, legacy }) => [column, legacy],
  },
  add_constraint: {
    operation: (hard) => ({
      kind: 'add_constraint',
      ...on(hard),
      when: 'before_rollout',
      unique: [hard.column],
    }),
    columns: (hard) => [...given(hard), `unique (${id(hard.column)})`],
    writes: ({ column, legacy }) => [column, legacy],
  },
  create_index: {
    operation: (hard) => ({ kind: 'create_index', definition: lowerIndex(hard) }),
    columns: given,
    besides: lowerIndex,
    writes: ({ column, legacy }) => [column, legacy],
  },
  rename_column: {
    operation: (hard) => ({ kind: 'rename_column', ...on(hard), from: hard.column, to: hard.free }),
    columns: (hard) => [...given(hard).slice(1), `${id(hard.free)} text not null`],
    writes: ({ legacy, free }) => [free, legacy],
  },
}

const TAKE_SLOTS = ['add_column, row by row', 'rename_column']

const CASES = Object.entries(TRIALS).flatMap(([name, trial]) =>
  [...HARD_TABLES, ...(TAKE_SLOTS.includes(name) ? [CROWDED] : [])].map(
    (hard) => [name, hard.what, hard, trial] as const,
  ),
)

describe('on a table with what is hard, its owner can', () => {
  test.for(CASES)('%s: %s', async ([, , hard, trial]) => {
    const table = tableName(hard)
    const inserting = (columns: readonly string[]) =>
      `insert into ${table} (${columns.map((name) => id(name)).join(', ')}) values (${columns.map(() => `'W ' || $1`).join(', ')})`
    const operation = trial.operation(hard)
    const renewed = trial.writes(hard)
    await liveThrough({
      given: `${hardTable(hard, given(hard))} insert into ${table} (${id(hard.column)}, ${id(hard.legacy)}) select 'Row ' || i, 'x' from generate_series(1, 300) i`,
      operations: [operation],
      direct: `${hardTable(hard, trial.columns(hard))} ${trial.besides?.(hard) ?? ''}`,
      old: [
        {
          name: 'old',
          statements: [
            inserting([hard.column, hard.legacy]),
            `update ${table} set ${id(hard.column)} = ${id(hard.column)} || '.' where ${id(hard.key.name)} = 1 + $1 % 300`,
          ],
        },
      ],
      renewed: [
        {
          name: 'new',
          statements: [inserting(renewed), `select ${id(renewed[0] ?? '')} from ${table} limit $1 % 3`],
        },
      ],
    })
  })
})

const WIDER: Operation = {
  kind: 'change_type',
  namespace: 'public',
  table: 'users',
  column: 'id',
  type: 'bigint',
}

const oneLeft = (table: string) => `"${table}" has 1 of its 1600 column slots left, and gets 2 new columns`

describe('a table with hardly a column slot left', () => {
  test.for<[string, string, string, Operation]>([
    [
      'two columns of an enum',
      oneLeft('users'),
      `create type mood as enum ('sad', 'ok'); create table users (id integer primary key, mood mood, before mood);
       ${usingSlots('users', 1_596)}`,
      { kind: 'remove_enum_value', namespace: 'public', type: 'mood', value: 'sad', becomes: 'ok' },
    ],
    [
      'two columns that point at the one that changes',
      oneLeft('orders'),
      `create table users (id integer primary key);
       create table orders (id integer primary key, buyer integer references users, seller integer references users);
       ${usingSlots('orders', 1_596)}`,
      WIDER,
    ],
    [
      'a column and one that points at it',
      oneLeft('users'),
      `create table users (id integer primary key, boss integer references users); ${usingSlots('users', 1_597)}`,
      WIDER,
    ],
    [
      'a column that follows in a partition, which has had more of them',
      '"orders", or a partition of it, has used all its 1600 column slots',
      `create table users (id integer primary key);
       create table orders (id integer, user_id integer references users) partition by list (id);
       create table first (id integer, user_id integer);
       ${usingSlots('first', 1_598)} alter table orders attach partition first for values in (1)`,
      WIDER,
    ],
  ])('has no room for %s', async ([, refused, given, operation]) => {
    const database = await testDatabase(given)
    const bellows = await database.bellows()
    await expect(bellows.plan({ name: '0001_test', operations: [operation] })).rejects.toMatchObject({
      code: 'plan_refused',
      message: `${refused}; PostgreSQL does not reuse those of dropped columns.`,
    })
  })
})

const USERS = { namespace: 'public', table: 'users' } as const

test.for<readonly [string, Operation]>([
  ['add_column', { kind: 'add_column', ...USERS, column: 'c', type: 'text', nullable: true }],
  ['drop_column', { kind: 'drop_column', ...USERS, column: 'a' }],
  ['rename_column', { kind: 'rename_column', ...USERS, from: 'a', to: 'c' }],
  ['change_type', { kind: 'change_type', ...USERS, column: 'id', type: 'bigint' }],
])('of a typed table no column changes, which is said before anything runs: %s', async ([, operation]) => {
  const database = await testDatabase(
    'create type pair as (id int, a text); create table users of pair (primary key (id))',
  )
  const bellows = await database.bellows()
  const plan = () => bellows.plan({ name: '0001_test', operations: [operation] })
  await expect(plan()).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining('"users" is a typed table'),
    hint: expect.stringContaining('alter table "public"."users" not of'),
  })
  await expect(
    bellows.plan({ name: '0001_test', operations: [{ kind: 'add_constraint', ...USERS, check: 'id > 0' }] }),
  ).resolves.toBeDefined()
  await database.query('alter table "public"."users" not of')
  await expect(plan()).resolves.toBeDefined()
})

test.for<readonly [string, Operation]>([
  ['drop_column', { kind: 'drop_column', ...USERS, column: 'a' }],
  ['rename_column', { kind: 'rename_column', ...USERS, from: 'a', to: 'c' }],
  [
    'change_type',
    { kind: 'change_type', ...USERS, column: 'a', type: 'varchar(9)', up: 'a::varchar(9)', down: 'a::text' },
  ],
])('what a generated column is computed from does not leave with it: %s', async ([, operation]) => {
  const database = await testDatabase(
    'create table users (id int primary key, a text, b text generated always as (upper(a)) stored)',
  )
  const bellows = await database.bellows()
  const dropped: Operation = { kind: 'drop_column', ...USERS, column: 'b' }
  for (const operations of [
    [dropped, operation],
    [operation, dropped],
  ])
    await expect(bellows.plan({ name: '0001_test', operations })).rejects.toMatchObject({
      code: 'plan_refused',
      message: expect.stringContaining(
        '"a" of "users" cannot leave in the same migration as the generated column public.users.b',
      ),
    })
  await expect(bellows.plan({ name: '0001_test', operations: [dropped] })).resolves.toBeDefined()
})
