import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { matrixMajor } from '../../support/matrix.ts'

const SHOP = `
create table users (id int primary key, name text, age int);
create table orders (id serial primary key, total int);
create view names as select name from users;
create sequence numbers;
create type mood as enum ('good');
create function twice(a int) returns int language sql as 'select a * 2';
create rule kept as on delete to users do instead nothing;
grant select, insert (name, age) on users to pg_monitor;
create publication changes for table users`

async function recorded(...setUp: string[]) {
  const database = await testDatabase(...setUp)
  const bellows = await database.bellows()
  await bellows.change((driver) => driver.setBaseline({}))
  expect((await bellows.drift()).differences).toEqual([])
  return { database, bellows }
}

// The roles are those that every server has.
const HANDS: readonly (readonly [string, string, unknown, unknown])[] = [
  ['alter table orders owner to pg_monitor', 'owner orders', 'postgres', 'pg_monitor'],
  ['alter view names owner to pg_monitor', 'owner names', 'postgres', 'pg_monitor'],
  ['grant select, delete on orders to public', 'grant orders public', null, 'DELETE, SELECT'],
  ['grant select on names to pg_monitor', 'grant names pg_monitor', null, 'SELECT'],
  [
    'grant select on orders to pg_monitor with grant option',
    'grant orders pg_monitor',
    null,
    'SELECT with grant option',
  ],
  [
    'revoke insert (age) on users from pg_monitor',
    'grant users pg_monitor',
    'INSERT (age), INSERT (name), SELECT',
    'INSERT (name), SELECT',
  ],
  [
    'revoke all on users from pg_monitor',
    'grant users pg_monitor',
    'INSERT (age), INSERT (name), SELECT',
    null,
  ],
  [
    'grant usage on sequence orders_id_seq to pg_monitor',
    'grant orders pg_monitor on sequence orders_id_seq',
    null,
    'USAGE',
  ],
  [
    'grant usage on sequence numbers to pg_monitor',
    'sequence rights numbers',
    'owner postgres',
    'owner postgres, USAGE to pg_monitor',
  ],
  [
    'revoke usage on type mood from public',
    'type rights mood',
    'owner postgres, USAGE to public',
    'owner postgres',
  ],
  [
    'revoke execute on function twice from public',
    'function rights twice a integer',
    'owner postgres, EXECUTE to public',
    'owner postgres',
  ],
  [
    'alter function twice owner to pg_monitor',
    'function rights twice a integer',
    'owner postgres, EXECUTE to public',
    'owner pg_monitor, EXECUTE to public',
  ],
  ['drop rule kept on users', 'rule users kept', expect.stringContaining('DO INSTEAD NOTHING'), null],
  [
    'alter table users disable rule kept',
    'rule users kept',
    expect.stringMatching(/NOTHING;$/),
    expect.stringMatching(/NOTHING; \(disabled\)$/),
  ],
  ['alter publication changes drop table users', 'publication users changes', 'published', null],
  ['alter publication changes add table orders', 'publication orders changes', null, 'published'],
]

const SINCE_15: typeof HANDS = [
  [
    'alter publication changes set table users (id, name) where (id > 1)',
    'publication users changes',
    'published',
    'published (id, name) where (id > 1)',
  ],
]

describe('what was changed by hand', () => {
  test.each([...HANDS, ...(Number(matrixMajor()) >= 15 ? SINCE_15 : [])])(
    '%s',
    async (statement, place, before, after) => {
      const { database, bellows } = await recorded(SHOP)
      await database.query(statement)
      expect(
        (await bellows.drift()).differences.map((one) => [
          `${one.kind} ${one.relation} ${one.name}`.trim(),
          one.recorded,
          one.found,
        ]),
      ).toEqual([[place, before, after]])
    },
  )

  test.each([
    ['create table fresh (id serial primary key); grant select on fresh to public', 'table fresh'],
    ['create function once(a int) returns int language sql as $$ select a $$', 'function once a integer'],
    ['create type shade as enum ()', 'type shade'],
    ['create sequence more', 'sequence more'],
    ['drop function twice', 'function twice a integer'],
    ['drop table users cascade', 'table users'],
  ])('as a whole is told without its rights: %s', async (statement, place) => {
    const { database, bellows } = await recorded(SHOP)
    await database.query(statement)
    const told = (await bellows.drift()).differences.map(({ kind, relation, name }) =>
      `${kind} ${relation} ${name}`.trim(),
    )
    expect(told.filter((one) => !one.includes('names'))).toEqual([place])
  })
})

describe('a new partition', () => {
  const EVENTS = `
create table events (id int, at date) partition by range (at);
create table events_1 partition of events for values from ('2020-01-01') to ('2021-01-01');
create table events_2 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by list (id)`

  test('of a table on record is told, on every level, and is no difference', async () => {
    const { database, bellows } = await recorded(EVENTS)
    await database.query(`
create table events_3 partition of events for values from ('2022-01-01') to ('2023-01-01') partition by list (id);
create table events_3_1 partition of events_3 for values in (1);
create table events_2_1 partition of events_2 default;
grant select on events_3 to public; create index own on events_3_1 (id)`)
    expect(await bellows.drift()).toMatchObject({
      differences: [],
      newPartitions: ['events_2_1', 'events_3', 'events_3_1'].map((relation) => ({
        namespace: 'public',
        relation,
      })),
    })
  })

  test('that was there and has gone is one, and so is that of a table that nobody has recorded', async () => {
    const { database, bellows } = await recorded(EVENTS)
    await database.query(`
drop table events_1; create table others (id int) partition by list (id); create table others_1 partition of others for values in (1)`)
    const { differences, newPartitions } = await bellows.drift()
    expect(newPartitions).toEqual([])
    expect(differences.map(({ relation }) => relation)).toEqual(['events_1', 'others', 'others_1'])
  })
})

describe('a record that another major version of PostgreSQL printed', () => {
  test('gives words that are to be compared, where they can be others, and differences elsewhere', async () => {
    const { database, bellows } = await recorded(
      `${SHOP}; grant all on orders to pg_monitor; create domain positive as int default 1`,
    )
    const major = Number(matrixMajor())
    await database.query(`
update bellows.recorded_object set printed_by = ${major - 1};
update bellows.recorded_object set definition = definition || ' ' where (relation, kind) in (('names', 'view'), ('positive', 'type'));
update bellows.recorded_object set definition = replace(definition, 'MAINTAIN, ', '') where (relation, kind) = ('orders', 'grant');
alter table users alter age type bigint; alter table users add later int; grant update on users to pg_monitor`)
    const { differences, reprinted } = await bellows.drift()
    expect(reprinted.map(({ relation, kind, printedBy }) => [relation, kind, printedBy])).toEqual([
      ['names', 'view', major - 1],
      ...(major >= 17 ? [['orders', 'grant', major - 1]] : []),
      ['positive', 'type', major - 1],
    ])
    expect(differences.map(({ kind, relation, name }) => `${kind} ${relation} ${name}`)).toEqual([
      'column users age',
      'column users later',
      'grant users pg_monitor',
    ])
    await bellows.change((driver) => driver.setBaseline({}))
    await database.query('create or replace view names as select name from users where id > 1')
    expect(await bellows.drift()).toMatchObject({ differences: [{ relation: 'names' }], reprinted: [] })
  })
})
