import { expect, test } from 'vitest'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import { keysOf, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { expectRefused } from '../support/events.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'

/** A key whose type changes, with foreign keys of partitioned tables that point at it. */

const ROWS = 200
const parts = (table: string) => `
  create table ${table}_old partition of ${table} for values from (minvalue) to ('2021-01-01');
  create table ${table}_new partition of ${table} for values from ('2021-01-01') to (maxvalue) partition by range (at);
  create table ${table}_new_1 partition of ${table}_new for values from ('2021-01-01') to (maxvalue);`
const logs = (columns: string, key: string) => `
  create table logs (${columns}, primary key (place, at), constraint "At" ${key}) partition by range (at); ${parts('logs')}
  comment on constraint "At" on logs is 'where';`
const KEY = 'foreign key (place) references places on delete cascade'
const rows = `insert into places (id) select generate_series(1, ${ROWS}); insert into logs (place, at) select i, date '2020-06-01' + i * 3 from generate_series(1, ${ROWS}) i;`
const given = `create table places (id int primary key, name text); ${logs('place int, at date, said text', KEY)}`

const CHANGE: Operation = {
  kind: 'change_type',
  namespace: 'public',
  table: 'places',
  column: 'id',
  type: 'bigint',
}

const client = (name: string) => ({
  name,
  statements: [
    `with one as (insert into places (id, name) values (1000 + $1::int, '${name}') returning id) insert into logs (place, at) select id, date '2020-06-01' + (id % 900)::int from one`,
    `insert into logs (place, at, said) values (1 + $1::int % 90, '2020-02-02', '${name}') on conflict (place, at) do update set said = excluded.said || $1`,
    `update logs set said = '${name} ' || $1 where place = 1 + $1 % ${ROWS}`,
    `delete from places where id = 100 + $1 % 50`,
    `select count(*) from logs join places on id = place where id = $1 % ${ROWS}`,
  ],
})

/** Both tables are partitioned, and the foreign key goes by a unique constraint. */
const shops = (columns: string, unique: string) =>
  `create table shops (${columns}, ${unique}) partition by range (at); ${parts('shops')}`
const sales = (columns: string) =>
  `create table sales (${columns}) partition by range (at); ${parts('sales')} alter table sales add foreign key (shop, at) references shops (id, at) on update cascade;`
const UNIQUE = 'unique (id, at)'

type Case = Pick<Lifecycle, 'given' | 'operations' | 'direct' | 'old' | 'renewed' | 'afterwards'>

const CASES: readonly (readonly [string, Case])[] = [
  [
    'from a partitioned table, in whose primary key it is',
    {
      given: given + rows,
      operations: [CHANGE],
      direct: `create table places (name text, id bigint primary key); ${logs('at date, said text, place bigint', KEY)}`,
      old: [client('old')],
      renewed: [client('new')],
      afterwards: ['select from logs where not exists (select from places where id = place)'],
    },
  ],
  [
    'from one partitioned table to another',
    {
      given: `${shops('id int not null, at date not null, name text', UNIQUE)} ${sales('shop int, at date, sold int')}
        insert into shops (id, at) select i, date '2020-06-01' + i * 3 from generate_series(1, ${ROWS}) i; insert into sales (shop, at) select id, at from shops;`,
      operations: [{ ...CHANGE, table: 'shops' }],
      direct: `${shops('at date not null, name text, id bigint not null', UNIQUE)} ${sales('at date, sold int, shop bigint')}
        ${['old', 'new', 'new_1'].map((part) => `alter index shops_${part}_id_at_key rename to shops_${part}_id_at_key1;`).join('\n')}`,
      old: ['old'].map((name) => seller(name)),
      renewed: ['new'].map((name) => seller(name)),
      afterwards: [
        'select from sales where shop is not null and not exists (select from shops s where s.id = shop and s.at = sales.at)',
      ],
    },
  ],
]

function seller(name: string) {
  return {
    name,
    statements: [
      `with one as (insert into shops (id, at, name) values (1000 + $1::int, date '2020-06-01' + $1::int % 900, '${name}') returning id, at) insert into sales (shop, at) select id, at from one`,
      `update shops set name = '${name} ' || $1 where id = 1 + $1 % ${ROWS}`,
      `update sales set sold = $1::int where shop = 1 + $1 % ${ROWS}`,
    ],
  }
}

test.each(CASES)('a foreign key %s goes along with a change of type, under traffic', async (_what, life) => {
  await liveThrough(life)
})

const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

test('an undo gives the foreign key back to the table, which holds all rows to it, and the change is made again', async () => {
  const database = await testDatabase(given, rows)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.setBaseline({}))
  const start = await keysOf(database)
  const migration: Migration = { name: '0001_test', operations: [CHANGE] }
  const advance = (until: Phase) => bellows.change((driver) => driver.advance(migration, until))
  const orphan = () => database.query(`insert into logs (place, at) values (9999, '2020-02-02')`)
  for (const year of [2023, 2024]) {
    await advance('retire')
    await expect(orphan()).rejects.toThrow('"At"')
    await database.query(`insert into logs (place, at) values (7, '${year}-01-01')`)
    await bellows.change((driver) => driver.undo(1))
    expect(await keysOf(database), 'the old keys are the keys again').toEqual(start)
    await expect(orphan()).rejects.toThrow('"At"')
  }
  await advance('retire')
  expect((await advance('purge')).state).toBe('completed')
  expect(await traces(database)).toEqual([])
  await expect(orphan()).rejects.toThrow('"At"')
})

test('a foreign key that was never proved is refused, because its copy would be', async () => {
  await expectRefused(
    `create table places (id int primary key); create table logs (place int, at date) partition by range (at); create table logs_1 (place int, at date);
      alter table logs_1 add constraint of foreign key (place) references places not valid; alter table logs attach partition logs_1 default`,
    CHANGE,
    'The partition public.logs_1 has the foreign key of of its own',
  )
})
