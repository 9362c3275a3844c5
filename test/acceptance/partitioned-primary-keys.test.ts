import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { catalog, keysOf, traces } from '../support/catalog.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { expectRefused } from '../support/events.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'

/** The column of a primary key of a partitioned table, which is copied. */

const ROWS = 300
/** Two levels, and a partition in another namespace whose columns stand in another order and whose key has a name of its own. */
const events = (columns: string, key: string, more = '') => `create schema "Old Days";
  create table events (${columns}, ${key}) partition by range (at);
  create table "Old Days"."Events of 2020" (at date not null, name text, id bigint not null); ${more}
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by list (kind);
  create table events_2021_a partition of events_2021 for values in (1);
  create table events_2021_b partition of events_2021 default;
  create table events_rest partition of events default;`
const plain = (columns: string, key: string, id: string) =>
  events(
    columns,
    key,
    `drop table "Old Days"."Events of 2020"; create table "Old Days"."Events of 2020" (kind int not null, at date not null, name text, ${id}, constraint "Its Key" ${key});
     alter table events attach partition "Old Days"."Events of 2020" for values from ('2020-01-01') to ('2021-01-01');
     comment on constraint "Its Key" on "Old Days"."Events of 2020" is 'the key of 2020';`,
  )

const on = { namespace: 'public', table: 'events' } as const
const rows = `insert into events (id, at, kind, name) select i, date '2020-01-01' + i * 3, i % 3, 'event ' || i from generate_series(1, ${ROWS}) i; analyze;`

/** Who deletes takes rows that no other statement counts on. */
const client = (name: string, id: string, more: readonly string[] = []) => ({
  name,
  statements: [
    `insert into events (${id}, at, kind, name) values (1000 + $1::int, date '2020-01-01' + $1::int % 900, 1, '${name}')`,
    `insert into events (${id}, at, kind, name) values (1 + $1::int % 90, date '2020-01-01' + 3 * (1 + $1::int % 90), (1 + $1::int % 90) % 3, 'again') on conflict (${id}, at, kind) do update set name = excluded.name || $1`,
    `update events set name = '${name} ' || $1 where ${id} = 1 + $1 % ${ROWS}`,
    `update events set at = at + 1 where ${id} = 1000 + $1::int - 7`,
    `select name from events where ${id} = $1 % ${ROWS}`,
    `delete from events where ${id} = 100 + $1 % 100`,
    ...more,
  ],
})

const CHANGE: Operation = { kind: 'change_type', ...on, column: 'id', type: 'bigint' }
const RENAME: Operation = { kind: 'rename_column', ...on, from: 'id', to: 'number' }
const KEY = 'primary key (id, at, kind)'
const given = plain('id int, at date, kind int, name text', KEY, 'id int not null')
const comments = `comment on constraint events_pkey on events is 'the key'; comment on index events_pkey is 'its index'; comment on constraint events_2021_a_pkey on events_2021_a is 'of a';`

type Case = Pick<Lifecycle, 'given' | 'operations' | 'direct' | 'old' | 'renewed' | 'meanwhile'>

const CASES: readonly (readonly [string, Case])[] = [
  [
    'change_type, with a foreign key, a unique constraint and an index beside',
    {
      given: `${given} ${rows} ${comments} alter table events add unique (at, id, kind); create index on events (id);`,
      operations: [CHANGE],
      direct: `${plain('id int, at date, kind int, name text', KEY, 'id int not null')} alter table events drop id, add id bigint not null, add ${KEY};
        alter index "Old Days"."Events of 2020_pkey" rename to "Its Key"; comment on constraint "Its Key" on "Old Days"."Events of 2020" is 'the key of 2020';
        ${comments} alter table events add unique (at, id, kind); create index on events (id);
        alter index "Old Days"."Events of 2020_at_id_kind_key" rename to "Events of 2020_at_id_kind_key1"; alter index "Old Days"."Events of 2020_id_idx" rename to "Events of 2020_id_idx1";
        ${['2021', '2021_a', '2021_b', 'rest'].map((part) => `alter index events_${part}_at_id_kind_key rename to events_${part}_at_id_kind_key1; alter index events_${part}_id_idx rename to events_${part}_id_idx1;`).join('\n')}`,
      old: [
        client('old', 'id', [
          "insert into events (id, at, kind) values (3, $1::int + date '2024-01-01', 2) on conflict on constraint events_pkey do nothing",
        ]),
      ],
      renewed: [client('new', 'id')],
    },
  ],
  [
    'rename_column',
    {
      given: `${given} ${rows} ${comments}`,
      operations: [RENAME],
      direct: `${plain('id int, at date, kind int, name text', KEY, 'id int not null')} alter table events drop id, add number int not null, add primary key (number, at, kind);
        alter index "Old Days"."Events of 2020_pkey" rename to "Its Key"; comment on constraint "Its Key" on "Old Days"."Events of 2020" is 'the key of 2020'; ${comments}`,
      old: [client('old', 'id')],
      renewed: [client('new', 'number')],
      meanwhile: ['select from events where id is distinct from number'],
    },
  ],
]

test.each(CASES)('a column of a primary key lives through %s, under traffic', async (_what, life) => {
  await liveThrough(life)
})

const serial = (integer: string, order: string) => `
  create sequence events_id_seq as ${integer}; create table events (${order}, constraint "The Key" primary key (id, at) include (name) with (fillfactor = 80)) partition by range (at);
  alter sequence events_id_seq owned by events.id;
  create table events_1 partition of events for values from (minvalue) to ('2021-01-01'); create table events_2 partition of events default;`

test.each([
  ['change_type', CHANGE, 'bigint', 'id', 'events_id_seq'],
  ['rename_column', RENAME, 'integer', 'number', 'events_number_seq'],
] as const)(
  'a key with INCLUDE, options and a sequence of its own lives through %s',
  async (_what, operation, integer, id, sequence) => {
    const writer = (name: string, column: string) => ({
      name,
      statements: [
        `insert into events (at, name) values (date '2020-01-01' + $1::int % 900, '${name}')`,
        `update events set name = 'x' || $1 where ${column} = 1 + $1 % ${ROWS}`,
      ],
    })
    await liveThrough({
      given: `${serial('integer', `id integer default nextval('events_id_seq'), at date, name text`)}
      insert into events (at, name) select date '2020-01-01' + i, 'event ' || i from generate_series(1, ${ROWS}) i;`,
      operations: [operation],
      direct: `create sequence ${sequence} as ${integer}; create table events (at date not null, name text, ${id} ${integer} not null default nextval('${sequence}'), constraint "The Key" primary key (${id}, at) include (name) with (fillfactor = 80)) partition by range (at);
      alter sequence ${sequence} owned by events.${id};
      create table events_1 partition of events for values from (minvalue) to ('2021-01-01'); create table events_2 partition of events default;`,
      old: [writer('old', 'id')],
      renewed: [writer('new', id)],
    })
  },
)

const SETTINGS: SettingsChange = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}

async function ready(operation: Operation, settings: SettingsChange = {}) {
  const database = await testDatabase(given, rows)
  const bellows = await database.bellows({ settings: { ...SETTINGS, ...settings } })
  await bellows.change((driver) => driver.setBaseline({}))
  const migration: Migration = { name: '0001_test', operations: [operation] }
  const advance = (until: Phase) => bellows.change((driver) => driver.advance(migration, until))
  return { database, bellows, migration, advance }
}

/** One that is made, and one that is attached: what is built for others they have not. */
async function comeMeanwhile(database: TestDatabase, year: number, column = 'id'): Promise<void> {
  await database.query(`create table made_${year} partition of events for values from ('${year}-01-01') to ('${year}-07-01');
    create table attached_${year} (like events including all);
    alter table events attach partition attached_${year} for values from ('${year}-07-01') to ('${year + 1}-01-01');
    insert into events (${column}, at, kind, name) select i, '${year}-08-08', 1, 'late' from generate_series(1, 50) i`)
}

async function typeOf(database: TestDatabase): Promise<unknown> {
  const [found] = await database.query<{ type: string }>(
    `select format_type(atttypid, null) as type from pg_attribute where attrelid = 'events'::regclass and attname = 'id'`,
  )
  return found?.type
}

/** Partitions without a valid primary key that is a part of the one above, and keys of columns that are not called so. */
async function badKeys(database: TestDatabase): Promise<readonly unknown[]> {
  return await database.query(`select t.relid::regclass::text from pg_partition_tree('events') t where not exists (select from pg_index i
      join pg_constraint k on k.conindid = i.indexrelid and k.contype = 'p' where i.indrelid = t.relid and i.indisprimary and i.indisvalid
        and (t.level = 0 or exists (select from pg_inherits h join pg_index u on u.indexrelid = h.inhparent where h.inhrelid = i.indexrelid and u.indrelid = t.parentrelid and u.indisprimary)
          and k.conparentid <> 0)
        and not exists (select from pg_attribute x join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[x.attnum - 1] where x.attrelid = i.indexrelid and x.attname <> a.attname))`)
}

test('a change that is hidden is undone without a loss and made again, whatever partitions come meanwhile', async () => {
  const { database, bellows, advance } = await ready(CHANGE)
  await advance('verify')
  await comeMeanwhile(database, 2024)
  const start = await keysOf(database)
  await advance('retire')
  await comeMeanwhile(database, 2025)
  await database.query(`insert into events (id, at, kind) values (2000, '2025-02-02', 1)`)
  expect(await typeOf(database)).toEqual('bigint')
  await bellows.change((driver) => driver.undo(1))
  expect(await typeOf(database)).toEqual('integer')
  expect(
    (await keysOf(database)).filter((line) => !line.includes('2025')),
    'the old keys are the keys again',
  ).toEqual(start)
  await expect(
    database.query(`insert into events (id, at, kind) values (7, '2025-08-08', 1)`),
  ).rejects.toThrow('attached_2025_pkey')
  await expect(
    database.query(`insert into events (id, at, kind) values (2000, '2025-02-02', 1)`),
  ).rejects.toThrow('made_2025_pkey')
  await comeMeanwhile(database, 2026)
  await advance('retire')
  await comeMeanwhile(database, 2027)
  expect((await advance('purge')).state).toBe('completed')
  expect(await traces(database)).toEqual([])
  expect(await badKeys(database)).toEqual([])
  expect((await bellows.drift()).differences).toEqual([])
  expect(await database.query('select count(*)::int from events')).toEqual([{ count: ROWS + 4 * 50 + 1 }])
})

test('a rename goes on with partitions that come between its steps, and up to the moment of the purge', async () => {
  const { database, advance } = await ready(RENAME)
  await advance('verify')
  await comeMeanwhile(database, 2024)
  await advance('retire')
  await comeMeanwhile(database, 2025, 'number')
  expect((await advance('purge')).state).toBe('completed')
  expect(await traces(database)).toEqual([])
  expect(await badKeys(database)).toEqual([])
})

test('a partition that comes while the lock is waited for has its index built behind that, and not under the lock', async () => {
  const { database, advance } = await ready(CHANGE)
  await advance('verify')
  await database.query('create table late (like events including all)')
  const reader = await database.session('reader')
  await reader.query('begin; select from events')
  const waiting = advance('retire')
  await expect
    .poll(
      async () =>
        (await database.query(`select from pg_locks where not granted and relation = 'events'::regclass`))
          .length,
      { timeout: 20_000, interval: 5 },
    )
    .toBeGreaterThan(0)
  await reader.query(
    `alter table events attach partition late for values from ('2024-01-01') to ('2025-01-01')`,
  )
  await reader.query('commit')
  await waiting
  expect(await typeOf(database)).toEqual('bigint')
  expect(await badKeys(database)).toEqual([])
})

test('what is to be the key has its names, and the new column its NOT NULL, before everybody waits for the swap', async () => {
  const { database, advance } = await ready(CHANGE)
  await advance('verify')
  await database.query('create index stranger on events (id)')
  await expect(advance('retire')).rejects.toMatchObject({ code: 'drift_found' })
  expect(await typeOf(database)).toEqual('integer')
  expect(
    await database.query(`select distinct a.attname from pg_class x join pg_attribute a on a.attrelid = x.oid
      where x.relkind = 'i' and starts_with(x.relname, 'bellows_part_') order by 1`),
  ).toEqual(['at', 'id', 'kind'].map((attname) => ({ attname })))
  const known = () =>
    database.query(`select a.attnotnull as known, count(*)::int from pg_partition_tree('events') t join pg_attribute a on a.attrelid = t.relid
      where starts_with(a.attname, 'bellows_new_') group by 1`)
  expect(await known()).toEqual([{ known: true, count: 6 }])
  await database.query('drop index stranger')
  await advance('retire')
  expect(await typeOf(database)).toEqual('bigint')
  expect(await badKeys(database)).toEqual([])
})

test('the swap, its undo and the purge read no row', async () => {
  const scans = async (database: TestDatabase) => {
    await database.query('select pg_stat_force_next_flush(), pg_stat_clear_snapshot()')
    return await database.query(
      `select relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch from pg_stat_user_tables where relname like 'events%' order by 1`,
    )
  }
  for (const operation of [CHANGE, RENAME]) {
    const { database, advance } = await ready(operation, { lock: { deadlineMs: 300 } })
    const [server] = await database.query<{ number: number }>(
      `select current_setting('server_version_num')::int as number`,
    )
    // Before that nobody can be asked to tell of what it has read.
    if ((server?.number ?? 0) < 150_000) return
    await advance('verify')
    // One of Bellows, which no gate waits for.
    const reader = await database.session('bellows/reader', 'postgres')
    await reader.query('begin; lock table events_rest in access share mode')
    await expect(advance('retire')).rejects.toMatchObject({ code: 'lock_not_had' })
    await reader.query('rollback')
    const quietly = async (work: (bellows: Bellows) => Promise<unknown>) => {
      const before = await scans(database)
      const bellows = await database.bellows({ settings: SETTINGS })
      await work(bellows)
      await bellows.close()
      expect(await scans(database)).toEqual(before)
    }
    const until = (phase: Phase) => (bellows: Bellows) =>
      bellows.change((driver) => driver.advance({ name: '0001_test', operations: [operation] }, phase))
    if (operation === CHANGE) {
      await quietly(until('retire'))
      await quietly((bellows) => bellows.change((driver) => driver.undo(1)))
    }
    await advance('retire')
    await quietly(until('purge'))
  }
})

test('a build that is cut off before its key, or behind the hidden column, is taken back, and leaves nothing', async () => {
  for (const operation of [CHANGE, RENAME]) {
    const { database, bellows, advance } = await ready(operation, { lock: { deadlineMs: 300 } })
    const start = await catalog(database)
    await advance('verify')
    // One of Bellows, which no gate waits for.
    const reader = await database.session('bellows/reader', 'postgres')
    await reader.query('begin; lock table events_rest in access share mode')
    await expect(advance('retire')).rejects.toMatchObject({ code: 'lock_not_had' })
    await reader.query('rollback')
    if (operation === RENAME) await advance('retire')
    expect((await traces(database)).filter((line) => line.includes('bellows_part'))).not.toEqual([])
    await bellows.change((driver) => driver.rollback(1))
    expect(await catalog(database)).toEqual(start)
    expect(await traces(database)).toEqual([])
  }
})

test.each([
  [
    'a type in which more values differ',
    `drop table events cascade; create table events (id timestamp(3) check (id > '2000-01-01'), at date, primary key (id, at)) partition by range (at)`,
    { ...CHANGE, type: 'timestamp(6)' },
    'two values of timestamp(6) without time zone might be one of timestamp(3) without time zone',
  ],
] as const)('%s is refused by name', async (_what, more, operation, message) => {
  await expectRefused(`${given} ${more}`, operation, message)
})
