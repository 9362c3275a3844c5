import { expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

/** A foreign key to a partitioned table has one to each of its partitions under it. */
const PARENTS = `create table events (id integer primary key) partition by range (id);
  create table events_1 partition of events for values from (0) to (100);
  create table events_2 partition of events for values from (100) to (200) partition by range (id);
  create table events_2_a partition of events_2 default; insert into events select generate_series(0, 199);`
const GIVEN = `${PARENTS} create table orders (id integer, event integer constraint belongs references events);
  insert into orders select i, i from generate_series(1, 150) i;`
const on = { namespace: 'public', table: 'orders' } as const

test('a column that points at a partitioned table is dropped under traffic', async () => {
  await liveThrough({
    given: GIVEN,
    operations: [{ kind: 'drop_column', ...on, column: 'event' }],
    direct: `${PARENTS} create table orders (id integer)`,
    old: [{ name: 'old', statements: ['insert into orders (id, event) values ($1, $1 % 200)'] }],
    renewed: [{ name: 'new', statements: ['insert into orders (id) values ($1)'] }],
  })
})

test('a column that points at a partitioned table gets another name, and points there still', async () => {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({
    settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0 } },
  })
  const operations = [{ kind: 'rename_column', ...on, from: 'event', to: 'of' }] as const
  const run = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'purge'))
  expect(run.state).toBe('completed')
  expect(
    await database.query(
      `select pg_get_constraintdef(oid) as key, convalidated from pg_constraint where conname = 'belongs'`,
    ),
  ).toEqual([{ key: 'FOREIGN KEY (of) REFERENCES events(id)', convalidated: true }])
  await expect(database.query('insert into orders (id, of) values (1, 200)')).rejects.toThrow('violates')
})
