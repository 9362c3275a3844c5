import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { catalog } from '../support/catalog.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'
import { matrixMajor } from '../support/matrix.ts'

/** Foreign keys that point at a partitioned table, from a plain one and from one that is partitioned, too. */

const ROWS = 200
const events = (columns: string) => `
  create table events (${columns}) partition by range (at);
  create table events_old partition of events for values from (minvalue) to ('2021-01-01');
  create table events_new partition of events for values from ('2021-01-01') to (maxvalue) partition by range (at);
  create table events_new_1 partition of events_new for values from ('2021-01-01') to (maxvalue);`
const logs = `create table logs (event int, at date) partition by range (at);
  create table logs_1 partition of logs for values from (minvalue) to (maxvalue);`
const pointing = `create table notes (event int, at date, said text); ${logs}`
const rows = `insert into events (id, at) select i, date '2020-06-01' + i * 2 from generate_series(1, ${ROWS}) i;
  insert into notes select id, at from events; insert into logs select id, at from events;`

const client = (name: string, id: string) => ({
  name,
  statements: [
    `with one as (insert into events (${id}, at) values (1000 + $1::int, date '2020-06-01' + $1::int % 500) returning ${id}, at),
       two as (insert into notes (event, at) select ${id}, at from one) insert into logs (event, at) select ${id}, at from one`,
    `update events set name = '${name} ' || $1 where ${id} = 1 + $1 % ${ROWS}`,
    `update notes set said = 'x' where event = 1 + $1 % ${ROWS}`,
    `delete from events where ${id} = 1000 + $1 and not exists (select from notes where event = 1000 + $1)`,
  ],
})

const key = (table: string, name?: string): Operation => ({
  kind: 'add_constraint',
  namespace: 'public',
  table,
  ...(name === undefined ? {} : { name }),
  foreign_key: {
    columns: ['event', 'at'],
    references: { namespace: 'public', table: 'events', columns: ['id', 'at'], on_delete: 'cascade' },
  },
})
const POINTS = 'foreign key (event, at) references events (id, at)'
const given = events('id int not null, at date not null, name text, unique (id, at)') + pointing

type Case = Pick<Lifecycle, 'given' | 'operations' | 'direct' | 'old' | 'renewed' | 'afterwards'>

const CASES: readonly (readonly [string, Case])[] = [
  [
    'come, go and get another name',
    {
      given: `${given} ${rows} alter table notes add constraint going ${POINTS}, add constraint before ${POINTS}; alter table logs add constraint "Going" ${POINTS};`,
      operations: [
        { kind: 'drop_constraint', namespace: 'public', table: 'notes', name: 'going' },
        { kind: 'drop_constraint', namespace: 'public', table: 'logs', name: 'Going' },
        key('notes'),
        key('logs', 'of_event'),
        { kind: 'rename_constraint', namespace: 'public', table: 'notes', from: 'before', to: 'after' },
      ],
      direct: `${given} alter table notes add constraint going ${POINTS}, add constraint before ${POINTS}; alter table notes drop constraint going, add ${POINTS} on delete cascade;
        alter table notes rename constraint before to after; alter table logs add constraint of_event ${POINTS} on delete cascade;`,
      old: [client('old', 'id')],
      renewed: [client('new', 'id')],
    },
  ],
  [
    'follow a column that gets another name',
    {
      given: `${given} ${rows} alter table notes add ${POINTS} on update cascade; alter table logs add constraint "Of" ${POINTS}; comment on constraint "Of" on logs is 'its event';`,
      operations: [{ kind: 'rename_column', namespace: 'public', table: 'events', from: 'id', to: 'number' }],
      direct: `${events('id int, at date not null, name text')} alter table events drop id, add number int not null, add unique (number, at); ${pointing}
        alter table notes add foreign key (event, at) references events (number, at) on update cascade;
        alter table logs add constraint "Of" foreign key (event, at) references events (number, at); comment on constraint "Of" on logs is 'its event';`,
      old: [client('old', 'id')],
      renewed: [client('new', 'number')],
      afterwards: ['select from notes where not exists (select from events where number = event)'],
    },
  ],
  [
    'follow a column that gets another type',
    {
      given: `${given} ${rows} alter table notes add ${POINTS};`,
      operations: [
        { kind: 'change_type', namespace: 'public', table: 'events', column: 'id', type: 'bigint' },
      ],
      direct: `${events('id int, at date not null, name text')} alter table events drop id, add id bigint not null, add unique (id, at);
        ${['old', 'new', 'new_1'].map((part) => `alter index events_${part}_id_at_key rename to events_${part}_id_at_key1;`).join('\n')}
        create table notes (at date, said text, event bigint); ${logs} alter table notes add ${POINTS};`,
      old: [client('old', 'id')],
      renewed: [client('new', 'id')],
      afterwards: ['select from notes where not exists (select from events where id = event)'],
    },
  ],
]

test.each(CASES)('foreign keys to a partitioned table %s, under traffic', async (_what, life) => {
  await liveThrough(life)
})

test('a foreign key that has come to it is one: rows without what they point at are refused, and found', async () => {
  const database = await testDatabase(given, rows, `insert into notes values (0, '2020-02-02')`)
  const bellows = await database.bellows()
  const migration = {
    name: '0001_test',
    operations: [{ ...key('notes'), when: 'before_rollout' } as Operation],
  }
  await expect(bellows.change((driver) => driver.advance(migration, 'verify'))).rejects.toMatchObject({
    code: 'rows_in_the_way',
  })
  await database.query('delete from notes where event = 0')
  await bellows.change((driver) => driver.advance(migration, 'verify'))
  await expect(database.query(`insert into notes values (0, '2020-02-02')`)).rejects.toThrow(
    /notes_event_at_fkey/,
  )
  await database.query(`delete from events where id = 7`)
  expect(await database.query('select from notes where event = 7')).toEqual([])
})

const ALLOWED: SettingsChange = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
const NUMBER: Migration = {
  name: '0001_test',
  operations: [{ kind: 'rename_column', namespace: 'public', table: 'events', from: 'id', to: 'number' }],
}

test('a rename that stops where some partitions of what points at it have the second key is taken back', async () => {
  const database = await testDatabase(
    given,
    'create table logs_2 partition of logs default',
    rows,
    `alter table logs add ${POINTS}`,
  )
  const bellows = await database.bellows({ settings: { lock: { deadlineMs: 500 } } })
  const start = await catalog(database)
  const writer = await database.session('writer')
  await writer.query('begin; lock table logs_2 in row exclusive mode')
  await expect(bellows.change((driver) => driver.advance(NUMBER, 'verify'))).rejects.toMatchObject({
    code: 'lock_not_had',
  })
  await writer.query('rollback')
  expect(
    await database.query(
      `select conrelid::regclass::text as table from pg_constraint where conname like 'bellows%' and conparentid = 0 and contype = 'f'`,
    ),
  ).toEqual(Number(matrixMajor()) < 18 ? [{ table: 'logs_1' }] : [])
  await bellows.change((driver) => driver.rollback(1))
  expect(await catalog(database)).toEqual(start)
})

test('a copied foreign key to a table that gets its first partition meanwhile has no name of ours in the end', async () => {
  const database = await testDatabase(`create table days (at date primary key) partition by range (at);
    create table notes (at date, more date); alter table notes add foreign key (at) references days`)
  const bellows = await database.bellows({ settings: ALLOWED })
  const rename: Operation = {
    kind: 'rename_column',
    namespace: 'public',
    table: 'notes',
    from: 'at',
    to: 'day',
  }
  const migration: Migration = { name: '0001_test', operations: [rename] }
  await bellows.change((driver) => driver.advance(migration, 'expand'))
  await database.query('create table days_1 partition of days default')
  await bellows.change((driver) => driver.advance(migration, 'purge'))
  const keys = `from pg_constraint where conrelid = 'notes'::regclass`
  expect(await database.query(`select ${keys}`)).toHaveLength(2)
  expect(await database.query(`select conname ${keys} and conname not like 'notes_day_fkey%'`)).toEqual([])
})

test('a partition that is detached with both foreign keys stops the purge and the rollback before anything runs, by name', async () => {
  const database = await testDatabase(
    `create table events (id int not null, at date not null, unique (id, at)); ${logs}`,
    `alter table logs add ${POINTS}`,
  )
  const start = await catalog(database)
  const bellows = await database.bellows({ settings: ALLOWED })
  await bellows.change((driver) => driver.advance(NUMBER, 'retire'))
  await database.query('alter table logs detach partition logs_1')
  await expect(bellows.change((driver) => driver.advance(NUMBER, 'purge'))).rejects.toMatchObject({
    code: 'dependents_found',
    message: expect.stringMatching(/has kept both foreign keys; .*public\.logs_1/),
  })
  const [twin] = await database.query<{ name: string }>(
    `select conname as name from pg_constraint where conrelid = 'logs_1'::regclass and contype = 'f' and conname like 'bellows%' and conparentid = 0`,
  )
  await expect(bellows.change((driver) => driver.rollback(1))).rejects.toMatchObject({
    code: 'rows_in_the_way',
    message: expect.stringContaining(`"constraint":"${twin?.name}"`),
  })
  await database.query(`alter table logs_1 rename constraint ${twin?.name} to second`)
  await expect(bellows.change((driver) => driver.advance(NUMBER, 'purge'))).rejects.toMatchObject({
    code: 'dependents_found',
    message: expect.stringContaining('depends on the hidden column'),
  })
  expect((await bellows.run(NUMBER.name))?.state).toBe('retiring')
  await database.query('alter table logs_1 drop constraint second')
  await bellows.change((driver) => driver.rollback(1))
  await database.query('alter table logs attach partition logs_1 for values from (minvalue) to (maxvalue)')
  expect(await catalog(database)).toEqual(start)
})

test('two foreign keys of one column that get other names do not take them from one another', async () => {
  const tables = `create table shops (team int, shop int, primary key (team, shop)); ${events('id int not null, at date not null, name text, unique (id, at)')}`
  const two = (event: string) => `
    alter table notes add foreign key (${event}, at) references shops, add constraint "In" foreign key (${event}, at) references events (id, at);
    alter table more add foreign key (${event}, at) references shops, add constraint "to" foreign key (${event}, at) references events (id, at);`
  const notes = (event: string, other: string) => `
    create table notes (${event}, at date); create table more (${event}, at date); ${two(other)}`
  const database = await testDatabase(tables.replace('shop int', 'shop date') + notes('event int', 'event'))
  const direct = await testDatabase(tables.replace('shop int', 'shop date') + notes('number int', 'number'))
  const bellows = await database.bellows({ settings: ALLOWED })
  const operations = ['notes', 'more'].map(
    (table): Operation => ({
      kind: 'rename_column',
      namespace: 'public',
      table,
      from: 'event',
      to: 'number',
    }),
  )
  await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'purge'))
  const keys = (of: TestDatabase) =>
    of.query(
      `select conrelid::regclass::text as table, conname, confrelid::regclass::text as other from pg_constraint where contype = 'f' and conrelid in ('notes'::regclass, 'more'::regclass) order by 1, 2`,
    )
  expect(await keys(database)).toEqual(await keys(direct))
})

test('names of what is under a foreign key are taken', async () => {
  const database = await testDatabase(given, `alter table notes add constraint "Of" ${POINTS};`)
  const bellows = await database.bellows()
  const [under] = await database.query<{ name: string }>(
    `select min(conname) as name from pg_constraint where conrelid = 'notes'::regclass and conname <> 'Of'`,
  )
  const to = under?.name ?? ''
  const rename: Operation = {
    kind: 'rename_constraint',
    namespace: 'public',
    table: 'notes',
    from: 'Of',
    to,
  }
  await expect(bellows.plan({ name: '0001_test', operations: [rename] })).rejects.toMatchObject({
    code: 'name_invalid',
    message: expect.stringContaining(`The name "${to}" is taken`),
  })
  const migration: Migration = {
    name: '0001_test',
    operations: [{ ...key('notes'), when: 'before_rollout' } as Operation],
  }
  await bellows.change((driver) => driver.advance(migration, 'verify'))
  expect(
    await database.query(
      `select from pg_constraint where conrelid = 'notes'::regclass and contype = 'f' and conparentid = 0`,
    ),
  ).toHaveLength(2)
})
