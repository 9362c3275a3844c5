import { expect, test } from 'vitest'
import type { Migration } from '../../src/core/operations/migration.ts'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

const GIVEN = `create table teams (id integer primary key); insert into teams select generate_series(0, 9);
  create table events (id bigint not null, at date not null, name text not null check (name <> ''), team integer references teams,
    primary key (id, at)) partition by range (at);
  create index on events (lower(name)); create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before insert on events for each row execute function touch();
  create table "Events of 2020" partition of events for values from ('2020-01-01') to ('2021-01-01');
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01');
  insert into events select i, date '2020-01-01' + i, 'event ' || i, i % 10 from generate_series(1, 300) i;`
const MIGRATION: Migration = {
  name: '0001_test',
  operations: [
    { kind: 'detach_partition', namespace: 'public', table: 'events', partition: 'Events of 2020' },
  ],
}
const client = {
  name: 'application',
  statements: [
    `insert into events values (100000 + $1, '2021-05-05', 'new ' || $1, $1::int % 10)`,
    `update events set name = name || '.' where id = 100000 + $1`,
    'select count(*) from events where id = $1',
  ],
}
const GATE = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

test('detach_partition makes a partition a table of its own under traffic', async () => {
  await liveThrough({
    given: GIVEN,
    operations: MIGRATION.operations,
    direct: `${GIVEN} alter table events detach partition "Events of 2020";`,
    old: [client],
    renewed: [client],
    untouched: [
      {
        before: `select id, name from events where at < '2021-01-01' order by id`,
        after: `select id, name from "Events of 2020" order by id`,
      },
    ],
  })
})

test('an undo attaches it again, with what was written to it meanwhile', async () => {
  const database = await testDatabase(GIVEN)
  const start = await catalog(database)
  const bellows = await database.bellows({ settings: GATE })
  const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'retire'))
  expect(await database.query(`select from events where at < '2021-01-01'`)).toEqual([])
  await database.query(`insert into "Events of 2020" values (7000, '2020-06-06', 'meanwhile', 1)`)
  await expect(
    database.query(`insert into "Events of 2020" values (7001, '2022-06-06', 'elsewhere', 1)`),
  ).rejects.toThrow('violates check constraint')

  await bellows.change((driver) => driver.rollback(id))

  expect(await database.query('select name from events where id = 7000')).toEqual([{ name: 'meanwhile' }])
  expect(await catalog(database)).toEqual(start)
})

test.each(['purge', 'back'] as const)(
  'a partition on its way out, which somebody was interrupted in, is brought to its end: %s',
  async (way) => {
    const database = await testDatabase(GIVEN)
    const start = await catalog(database)
    const bellows = await database.bellows({ settings: GATE })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    // A reader of the table from before, as a killed driver has waited for it.
    const reader = await database.session('reader')
    await reader.query('begin; select count(*) from events')
    const killed = await database.session('killed')
    const detaching = killed
      .query('alter table events detach partition "Events of 2020" concurrently')
      .catch((error: unknown) => error)
    await expect
      .poll(() => database.query('select from pg_inherits where inhdetachpending'), { timeout: 20_000 })
      .toHaveLength(1)
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'killed' and datname = current_database()`,
    )
    await detaching
    await reader.query('rollback')
    const { id } = await bellows.change((driver) => driver.advance(MIGRATION, 'retire'))
    expect(await database.query('select from pg_inherits where inhdetachpending')).toEqual([])

    if (way === 'purge') await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    else await bellows.change((driver) => driver.rollback(id))

    const inherits = await database.query(
      `select from pg_inherits where inhrelid = '"Events of 2020"'::regclass`,
    )
    expect(inherits).toHaveLength(way === 'purge' ? 0 : 1)
    if (way === 'back') expect(await catalog(database)).toEqual(start)
  },
)

test.each([
  [
    'a default partition',
    'create table events_rest partition of events default',
    'has the default partition events_rest',
  ],
  [
    'a foreign key that points at the table',
    'create table notes (id bigint, at date, foreign key (id, at) references events)',
    'points at "events", and may point at rows of "Events of 2020"',
  ],
])('detach_partition refuses %s', async (_what, given, said) => {
  const database = await testDatabase(GIVEN, given)
  const bellows = await database.bellows()
  await expect(bellows.plan(MIGRATION)).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining(said),
  })
})
