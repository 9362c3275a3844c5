import { expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

/** The columns of one partition stand in another order, behind one that is gone. */
const TABLE = `create table events (id bigint not null, at int not null, name text, legacy text, team int, pad text default 'p') partition by list (at);
  create table events_1 partition of events for values in (1, 2, 3);
  create table events_2 (legacy text, pad text default 'p', name text, gone int, at int not null, team int, id bigint not null);
  alter table events_2 drop gone; alter table events attach partition events_2 for values in (4, 5, 6);
  create table events_rest partition of events default;`
const ROWS = `insert into events (id, at, name, legacy, team)
  select i, i % 9, 'n' || i, case when i % 3 > 0 then 'l' || i end, i from generate_series(1, 300) i;`

const on = { namespace: 'public', table: 'events' } as const
const operations: readonly Operation[] = [
  { kind: 'rename_column', ...on, from: 'name', to: 'title' },
  { kind: 'drop_column', ...on, column: 'legacy', down: `'d' || id` },
  { kind: 'change_type', ...on, column: 'team', type: 'bigint' },
  {
    kind: 'add_column',
    ...on,
    column: 'low',
    type: 'text',
    nullable: false,
    up: `coalesce(lower(pad), '')`,
    default: `'x'`,
  },
]

/** Rows of each version go to another partition together with what it writes, and without that. */
const old = {
  name: 'old',
  statements: [
    `insert into events (id, at, name, legacy, team) values (1000000 + $1, $1::int % 9, 'o' || $1, 'y', 3)`,
    `update events set at = (at + 1) % 9, name = name || '.' where id = 1000000 + $1::bigint - 3`,
    `update events set at = (at + 3) % 9 where id = 1000000 + $1::bigint - 6`,
    `update events set legacy = null, at = (at + 2) % 9 where id = 1000000 + $1::bigint - 9`,
    `update events set at = (at + 4) % 9 where id = 1000000 + $1::bigint - 12`,
  ],
}
const renewed = {
  name: 'new',
  statements: [
    `insert into events (id, at, title, team, low) values (2000000 + $1, $1::int % 9, 'o' || $1, 3, 'z')`,
    `update events set at = (at + 1) % 9, title = title || '.', team = team + 1 where id = 2000000 + $1::bigint - 3`,
    `update events set at = (at + 3) % 9, title = null where id = 2000000 + $1::bigint - 6`,
  ],
}

test('rows that go to other partitions keep what each version has written, whatever is done to the table', async () => {
  await liveThrough({
    given: `${TABLE} ${ROWS}`,
    operations,
    direct: `${TABLE} alter table events drop legacy, drop name, drop team, add title text, add team bigint, add low text default 'x';
      alter table events alter low set not null`,
    old: [old],
    renewed: [renewed],
    meanwhile: [
      `select id from events where id between 1000000 and 1999999 and legacy <> 'y'`,
      `select id from events where id >= 2000000 and legacy is distinct from 'd' || id`,
    ],
  })
})

test('a new column is given its value once, however often its row goes to another partition', async () => {
  const database = await testDatabase(`${TABLE} ${ROWS} create sequence numbers`)
  const bellows = await database.bellows()
  const add = { kind: 'add_column', ...on, nullable: true } as const
  const migration = {
    name: '0001_add',
    operations: [
      { ...add, column: 'low', type: 'text', up: 'lower(name)' },
      { ...add, column: 'number', type: 'bigint', default: `nextval('public.numbers')` },
    ],
  }
  await bellows.change((driver) => driver.advance(migration, 'expand'))
  await database.query(`update events set low = 'MINE' where id < 10; update events set at = (at + 4) % 9`)
  const numbers = await database.query('select id, number from events order by id')
  await database.query('update events set at = (at + 4) % 9')
  await bellows.change((driver) => driver.advance(migration, 'backfill'))
  await database.query('update events set at = (at + 2) % 9')
  expect(await database.query('select id, number from events order by id')).toEqual(numbers)
  const rows = `select count(*)::int as rows from events where low = case when id < 10 then 'MINE' else lower(name) end`
  expect(await database.query(rows)).toEqual([{ rows: 300 }])
})
