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
    'cannot be used: It would overlap partition "events_1".',
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

const LOG = `create table log (at date not null, said text) partition by range (at);
  create table log_2021 (at date not null, said text); insert into log_2021 values ('2021-01-01', 'x');`
const toLog: Operation = {
  kind: 'attach_partition',
  namespace: 'public',
  table: 'log',
  partition: 'log_2021',
  bounds: `for values from ('2021-01-01') to ('2022-01-01')`,
}
const BARE = `alter table log attach partition log_2021 for values from ('2021-01-01') to ('2022-01-01')`

test('a partition without a replica identity is not brought into a publication that needs one', async () => {
  const given = `${LOG} create table log_2020 partition of log for values from ('2020-01-01') to ('2021-01-01');
    alter table log_2020 replica identity full; create publication told for table log`
  const without = await testDatabase(given, BARE)
  await expect(without.query(`update log_2021 set said = 'y'`)).rejects.toMatchObject({ code: '55000' })

  const database = await testDatabase(given)
  const bellows = await database.bellows()
  const migration = { name: '0001_test', operations: [toLog] }
  await expect(bellows.plan(migration)).rejects.toMatchObject({
    code: 'plan_refused',
    message:
      'public.log_2021 has no replica identity, and every UPDATE and DELETE of it would fail as a partition of "log": the publication told publishes them.',
  })
  await database.query('alter table log_2021 replica identity full')
  await bellows.change((driver) => driver.advance(migration, 'expand'))
  await database.query(`update log_2021 set said = 'y'`)
})

test('rules of its own are told where a default partition took its rows so far', async () => {
  const given = `${LOG} create table log_rest partition of log default; create table sayings (said text primary key);
    create function f() returns trigger language plpgsql as 'begin return new; end';
    create trigger touch before insert on log_2021 for each row execute function f();
    create unique index once on log_2021 (said); alter table log_2021 add constraint short check (length(said) < 9);`
  const without = await testDatabase(given)
  const late = `insert into log values ('2021-02-02', 'far too long')`
  await without.query(late)
  await without.query(`delete from log; ${BARE}`)
  await expect(without.query(late)).rejects.toMatchObject({ code: '23514' })

  const database = await testDatabase(given)
  const bellows = await database.bellows()
  const migration = { name: '0001_test', operations: [toLog] }
  const { steps } = await bellows.plan(migration)
  expect(
    steps.flatMap(({ hazards }) => hazards.filter(({ code }) => code === 'old_writers_may_fail')),
  ).toMatchObject(
    ['the check short', 'the unique index once', 'the trigger touch'].map((rule) => ({
      because: expect.stringContaining(`${rule} of its own`),
    })),
  )
  await database.query(
    'alter table log_2021 alter said set not null, add foreign key (said) references sayings not valid',
  )
  const refused = await bellows.plan(migration).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    message: expect.stringMatching(/has NOT NULL of said, .*\n.*has the constraint log_2021_said_fkey, /s),
  })
  await database.query('drop table log_rest')
  await bellows.plan(migration)
})
