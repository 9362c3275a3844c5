import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

/** A foreign key to a column that the same migration gives another type, or another name. */

const ROWS = 300
const TABLES = (number: string, name = 'number') => `
  create table accounts (id int primary key, note text, ${name} ${number} not null unique);
  create table orders (id int primary key, account bigint);`
const GIVEN = `create table accounts (id int primary key, number int not null unique, note text);
  create table orders (id int primary key, account bigint);
  insert into accounts select i, i from generate_series(1, ${ROWS}) i; insert into orders select i, i from generate_series(1, ${ROWS}) i;`

const WIDER: Operation = {
  kind: 'change_type',
  namespace: 'public',
  table: 'accounts',
  column: 'number',
  type: 'bigint',
}
const RENAMED: Operation = {
  kind: 'rename_column',
  namespace: 'public',
  table: 'accounts',
  from: 'number',
  to: 'no',
}
const pointing = (column: string, when?: 'before_rollout', from = 'account'): Operation => ({
  kind: 'add_constraint',
  namespace: 'public',
  table: 'orders',
  name: 'of_account',
  foreign_key: {
    columns: [from],
    references: { namespace: 'public', table: 'accounts', columns: [column], on_delete: 'cascade' },
  },
  ...(when === undefined ? {} : { when }),
})
const columnsBy = (number: string) => (number === 'key' ? 'key, number' : `id, ${number}`)
const client = (number: string, from: number, account = 'account') => ({
  name: `by ${number}`,
  statements: [
    `insert into accounts (${columnsBy(number)}) values (${from} + $1 * 2, ${from} + $1 * 2)`,
    `update accounts set note = 'n' || $1 where ${number} = 1 + $1 % ${ROWS}`,
    `update orders set ${account} = 1 + $1 % ${ROWS} where id = 1 + $1 % ${ROWS}`,
    `insert into orders values (${from} + $1 * 2, 1 + $1 % ${ROWS})`,
  ],
})

const LIVES: readonly [string, readonly Operation[], string, string, string?][] = [
  [
    'another type, and in the contract a foreign key to it',
    [WIDER, pointing('number')],
    `${TABLES('bigint')} alter table orders add constraint of_account foreign key (account) references accounts (number) on delete cascade;`,
    'number',
  ],
  [
    'another name, and in the contract a foreign key to it',
    [RENAMED, pointing('no')],
    `${TABLES('int', 'no')} alter table orders add constraint of_account foreign key (account) references accounts (no) on delete cascade;`,
    'no',
  ],
  [
    'another name, and before the rollout a foreign key to it',
    [RENAMED, pointing('no', 'before_rollout')],
    `${TABLES('int', 'no')} alter table orders add constraint of_account foreign key (account) references accounts (no) on delete cascade;`,
    'no',
  ],
  [
    'another name, and a foreign key to it from another one that gets one',
    [RENAMED, { ...RENAMED, table: 'orders', from: 'account', to: 'of' }, pointing('no', undefined, 'of')],
    `create table accounts (id int primary key, note text, no int not null unique);
     create table orders (id int primary key, "of" bigint constraint of_account references accounts (no) on delete cascade);`,
    'no',
    '"of"',
  ],
  [
    'another name, which rows are known by, and a foreign key to it',
    [{ ...RENAMED, from: 'id', to: 'key' }, pointing('key')],
    `create table accounts (number int not null unique, note text, key int primary key);
     create table orders (id int primary key, account bigint constraint of_account references accounts on delete cascade);`,
    'key',
  ],
]

test.for(LIVES)('a column gets %s, under traffic', async ([, operations, direct, number, account]) => {
  await liveThrough({
    given: GIVEN,
    operations,
    direct,
    old: [client('number', 1_000)],
    renewed: [client(number, 1_001, account)],
    kept: ['select count(*), max(id) from accounts'],
  })
})

const OPEN = { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } as const

test.for(LIVES)('go back from the contract: %s', async ([, operations, , number]) => {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: { gate: OPEN } })
  const migration = { name: '0001_test', operations }
  const start = await catalog(database)
  const { id } = await bellows.change((driver) => driver.advance(migration, 'retire'))
  await expect(database.query('insert into orders values (-1, -1)')).rejects.toThrow('of_account')
  await database.query(
    `insert into accounts (${columnsBy(number)}) values (-2, -2); insert into orders values (-2, -2)`,
  )
  await bellows.change((driver) => driver.undo(id))
  await bellows.change((driver) => driver.advance(migration, 'retire'))
  await bellows.change((driver) => driver.rollback(id))
  expect(await catalog(database)).toEqual(start)
  expect(await traces(database)).toEqual([])
  expect(await database.query('select number from accounts where id = -2')).toEqual([{ number: -2 }])
})

describe('a foreign key is refused', () => {
  test.each<[string, readonly Operation[], string]>([
    [
      'in front of the new type',
      [pointing('number'), WIDER],
      'Two operations of the migration touch "accounts"."number".',
    ],
    [
      'in front of the new name',
      [pointing('number'), RENAMED],
      'Two operations of the migration touch "accounts"."number".',
    ],
    [
      'of a new table',
      [
        WIDER,
        {
          kind: 'create_table',
          namespace: 'public',
          table: 'lines',
          columns: [{ name: 'account', type: 'bigint', nullable: true }],
          constraints: [
            {
              kind: 'foreign_key',
              columns: ['account'],
              references: { namespace: 'public', name: 'accounts', columns: ['number'] },
              onDelete: 'no_action',
              onUpdate: 'no_action',
            },
          ],
        },
      ],
      'Two operations of the migration touch "accounts"."number".',
    ],
    [
      'of a new column',
      [
        WIDER,
        {
          kind: 'add_column',
          namespace: 'public',
          table: 'orders',
          column: 'second',
          type: 'bigint',
          nullable: true,
          references: { namespace: 'public', table: 'accounts', column: 'number' },
        },
      ],
      'Two operations of the migration touch "accounts"."number".',
    ],
    [
      'of a statement',
      [
        WIDER,
        {
          kind: 'sql',
          namespace: 'public',
          phase: 'expand',
          up: 'alter table orders add constraint told foreign key (account) references accounts (number) not valid',
          down: 'alter table orders drop constraint told',
        },
      ],
      'Two operations of the migration touch "accounts"',
    ],
    [
      'before the rollout, to a column that changes its type',
      [WIDER, pointing('number', 'before_rollout')],
      'has its name from the contract on, so no rule of it can come up before the rollout',
    ],
    [
      'to a key that changes its type',
      [{ ...WIDER, column: 'id' }, pointing('id')],
      'changes its type together with all that goes by it',
    ],
  ])('%s', async (_what, operations, message) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows()
    await expect(bellows.plan({ name: '0001_test', operations })).rejects.toMatchObject({
      message: expect.stringContaining(message),
    })
  })
})
