import { expect, test } from 'vitest'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

const TEAMS = 'create table teams (id integer primary key); insert into teams select generate_series(0, 9);'
const COLUMNS = `at date not null, name text not null constraint named check (name <> ''), team integer references teams`
const events = (
  key: string,
) => `${TEAMS} create table events (id bigint not null, ${COLUMNS}, primary key (id, at)) partition by ${key};
  create index on events (lower(name)); create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before insert on events for each row execute function touch();`
const more = (
  name: string,
  rows: string,
) => `create table "${name}" (name text not null constraint named check (name <> ''), id bigint not null,
    team integer references teams, at date not null, primary key (id, at)); create index on "${name}" (lower(name));
  insert into "${name}" (id, at, name) ${rows};`

const on = { namespace: 'public', table: 'events' } as const
const attach = (partition: string, bounds: string): Operation => ({
  kind: 'attach_partition',
  ...on,
  partition,
  bounds,
})
const client = (at: string) => ({
  name: 'application',
  statements: [
    `insert into events (id, at, name, team) values (100000 + $1, ${at}, 'new ' || $1, $1::int % 10)`,
    `update events set name = name || '.' where id = 1 + $1 % 100`,
    'select count(*) from events where id = $1',
  ],
})
const attached = (given: string, { partition, bounds }: { partition: string; bounds: string }) =>
  `${given} alter table events attach partition "${partition}" ${bounds};`

const RANGE = `${events('range (at)')} create table events_1 partition of events for values from ('2020-01-01') to ('2021-01-01');
  ${more('Events of 2021', `select i, '2021-05-05', 'event ' || i from generate_series(1, 300) i`)}`
const LIST = `${events("list (date_part('year', at))")
  .replace('primary key (id, at)', 'unique (id, at)')
  .replace(', unique (id, at)', '')}
  create table events_1 partition of events for values in (2020);
  ${more('Events of 2021', `select i, '2021-05-05', 'event ' || i from generate_series(1, 300) i`)}`
const HASH = `${events('hash (id)')} create table events_1 partition of events for values with (modulus 2, remainder 0);
  create table rest partition of events for values with (modulus 4, remainder 1);
  ${more('Events of 2021', '').replace(/insert into .*$/s, '')}`

test.each([
  [
    'by range',
    RANGE,
    'Events of 2021',
    `for values from ('2021-01-01') to ('2022-01-01')`,
    `date '2020-05-05'`,
  ],
  ['by an expression', LIST, 'Events of 2021', 'for values in (2021, 2022)', `date '2020-05-05'`],
  [
    'beside a small default partition',
    `${RANGE} create table events_rest partition of events default;`,
    'Events of 2021',
    `for values from ('2021-01-01') to ('2022-01-01')`,
    `date '2023-05-05'`,
  ],
  [
    'beside a large one, which is read before',
    `${RANGE} create table events_rest partition of events default;
     insert into events (id, at, name) select i, '2030-01-01', repeat('x', 2000) from generate_series(1, 1500) i;`,
    'Events of 2021',
    `for values from ('2021-01-01') to ('2022-01-01')`,
    `date '2023-05-05'`,
  ],
])('attach_partition attaches a table under traffic: %s', async (what, given, partition, bounds, at) => {
  await liveThrough({
    given,
    operations: [
      {
        ...attach(partition, bounds),
        ...(what.includes('large') ? { refuseInDefault: true } : {}),
      },
    ],
    direct: attached(given, { partition, bounds }),
    old: [client(at)],
    renewed: [client(at)],
    meanwhile: [`select from (select count(*) as rows from "${partition}") counted where rows <> 300`],
  })
})

test('attach_partition refuses a default partition that is partitioned itself', async () => {
  const database = await testDatabase(
    RANGE,
    'create table events_rest partition of events default partition by hash (id)',
  )
  const bellows = await database.bellows()
  const operations = [attach('Events of 2021', `for values from ('2021-01-01') to ('2022-01-01')`)]

  await expect(bellows.plan({ name: '0001_test', operations })).rejects.toMatchObject({
    message: expect.stringContaining('"events" is partitioned itself'),
  })
})

test('attach_partition attaches a hash partition, whose rows are told by the table', async () => {
  await liveThrough({
    given: HASH,
    operations: [attach('Events of 2021', 'for values with (modulus 4, remainder 3)')],
    direct: attached(HASH, {
      partition: 'Events of 2021',
      bounds: 'for values with (modulus 4, remainder 3)',
    }),
    old: [],
    renewed: [],
  })
})

test.each([
  [
    'of the table',
    `insert into "Events of 2021" (id, at, name) values (7, '2022-02-02', 'late')`,
    'Rows of "Events of 2021" are not',
  ],
  [
    'in the default partition',
    `create table events_rest partition of events default; insert into events (id, at, name) values (7, '2021-02-02', 'there')`,
    'Rows of the default partition "events_rest" are',
  ],
])('attach_partition names rows in the way before anything is changed: %s', async (_what, given, said) => {
  const database = await testDatabase(RANGE, given)
  const start = await catalog(database)
  const bellows = await database.bellows()
  const migration: Migration = {
    name: '0001_test',
    operations: [attach('Events of 2021', `for values from ('2021-01-01') to ('2022-01-01')`)],
  }

  await expect(bellows.change((driver) => driver.advance(migration, 'expand'))).rejects.toMatchObject({
    code: 'rows_in_the_way',
    message: expect.stringContaining(said),
    facts: { rows: [expect.objectContaining({ id: 7 })] },
  })
  expect(await catalog(database)).toEqual(start)
})

test.each([
  [
    'bounds that overlap',
    `for values from ('2020-05-01') to ('2021-01-01')`,
    'would overlap partition "1 events_1"',
  ],
  ['bounds of another kind', 'for values in (1)', 'nvalid bound specification for a range partition'],
  ['more than bounds', `for values from (minvalue) to (maxvalue), drop column name`, 'cannot be used'],
  ['a comment behind them', `for values from (minvalue) to (maxvalue) --`, 'more than the bounds of one'],
])('attach_partition refuses %s before anything runs', async (_what, bounds, said) => {
  const database = await testDatabase(RANGE)
  const bellows = await database.bellows()

  const planned = bellows.plan({ name: '0001_test', operations: [attach('Events of 2021', bounds)] })

  await expect(planned).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining(said),
  })
})
