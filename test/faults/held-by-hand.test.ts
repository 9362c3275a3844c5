import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Notice } from '../../src/core/run/event.ts'
import type { Operation } from '../../src/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Effect, faultyBellows } from '../support/faulty-ports.ts'

const ON = { namespace: 'public', table: 'users' } as const
const TABLE = `create table users (id int not null, name text);
  insert into users select i, 'user ' || i from generate_series(1, 100) i`
const PARTED = `create table users (id int not null, name text) partition by range (id);
  create table low partition of users for values from (0) to (50); create table high partition of users for values from (50) to (200);
  insert into users select i, 'user ' || i from generate_series(1, 100) i`
const CHECK: Operation = {
  kind: 'add_constraint',
  ...ON,
  name: 'positive',
  check: 'id > 0',
  when: 'before_rollout',
}
const INDEX: Operation = { kind: 'create_index', definition: 'create index by_name on users (name)' }
const KEY: Operation = {
  kind: 'add_constraint',
  ...ON,
  name: 'once',
  unique: ['id'],
  when: 'before_rollout',
}
/** What is there of it: valid indexes, and checks that are proved. */
const DONE = `select count(*)::int as done from (select from pg_index where indisvalid and indrelid in (select 'users'::regclass union select relid from pg_partition_tree('users'))
  union all select from pg_constraint where contype = 'c' and convalidated and conrelid in (select 'users'::regclass union select relid from pg_partition_tree('users'))) found`

const SETTINGS = {
  brake: { pollMs: 50 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange
/** Pauses each run as soon as it is on record. */
const PAUSING = `
create function pause() returns trigger language plpgsql as $$ begin
  insert into bellows.throttle (run, actor, share, reason) values (new.id, '{"user": "ann"}', 0, 'the sale'); return null; end $$;
create trigger pause after insert on bellows.run for each row execute function pause()`

async function paused(database: TestDatabase, operation: Operation) {
  const heard: Notice[] = []
  const bellows = await database.bellows({
    settings: SETTINGS,
    onNotice: (notice) => void heard.push(notice),
  })
  await bellows.install()
  await database.query(PAUSING)
  const migration = { name: '0001_test', operations: [operation] }
  const going = bellows.change((driver) => driver.advance(migration, 'verify'))
  await expect
    .poll(() => heard.findLast(({ type }) => type === 'braked'), { timeout: 20_000 })
    .toMatchObject({ pace: 'pause', because: ['paused by ann: the sale'] })
  return { bellows, going }
}

describe('what the server does at one go', () => {
  test.each<[string, string, Operation]>([
    ['an index that is built', TABLE, INDEX],
    ['an index of a partitioned table', PARTED, INDEX],
    ['a key of a partitioned table', PARTED, KEY],
    ['a check that is proved', TABLE, CHECK],
    ['a check of a partitioned table', PARTED, CHECK],
  ])('is not begun while somebody has asked for a pause: %s', async (_what, table, operation) => {
    const database = await testDatabase(table)
    const done = async () => (await database.query<{ done: number }>(DONE))[0]?.done
    const { bellows, going } = await paused(database, operation)
    await sleep(500)
    expect(await done()).toBe(0)
    expect(await bellows.brake(1)).toEqual({ pace: 'pause', because: ['paused by ann: the sale'] })
    const seen: Notice[] = []
    void bellows.watch(1, (notice) => void seen.push(notice)).catch(() => undefined)
    await expect
      .poll(() => seen.find(({ type }) => type === 'braked'), { timeout: 20_000 })
      .toMatchObject({ pace: 'pause' })
    await bellows.throttle(1, { share: 1 })
    await going
    expect(await bellows.brake(1)).toBeUndefined()
    expect(await done()).toBeGreaterThan(0)
  })

  test.each<[string, Operation]>([
    ['an index', INDEX],
    ['a key', KEY],
    ['a check', CHECK],
  ])('is not begun in the next partition, either: %s', async (_what, operation) => {
    const database = await testDatabase(PARTED)
    const done = async () => (await database.query<{ done: number }>(DONE))[0]?.done
    let isAsked = false
    const pausing = async ({ kind }: Effect) => {
      if (isAsked || !['outside', 'transact'].includes(kind) || (await done()) !== 1) return
      isAsked = true
      await database.query(
        `insert into bellows.throttle (run, actor, share) values (1, '{"user": "ann"}', 0)`,
      )
    }
    const heard: Notice[] = []
    const { bellows } = faultyBellows(
      database.url,
      { after: pausing },
      { settings: SETTINGS, onNotice: (notice) => void heard.push(notice) },
    )
    const going = bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [operation] }, 'verify'),
    )
    await expect.poll(() => heard.findLast(({ type }) => type === 'braked')).toMatchObject({ pace: 'pause' })
    await sleep(300)
    expect(await done()).toBe(1)
    await bellows.throttle(1, { share: 1 })
    await going
    expect(await done()).toBe(3)
    await bellows.close()
  })
})
