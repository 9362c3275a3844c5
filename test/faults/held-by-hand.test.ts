import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { mergedSettings, type SettingsChange } from '../../src/config.ts'
import type { Notice } from '../../src/core/run/event.ts'
import type { Settings } from '../../src/engine/settings.ts'
import type { Operation } from '../../src/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

const ON = { namespace: 'public', table: 'users' } as const
const TABLE = `create table users (id int not null, name text);
  insert into users select i, 'user ' || i from generate_series(1, 100) i`
const PARTED = `create table users (id int not null, name text) partition by range (id);
  create table low partition of users for values from (0) to (50); create table high partition of users for values from (50) to (200);
  insert into users select i, 'user ' || i from generate_series(1, 100) i`
const CHECK: Operation = { kind: 'add_constraint', ...ON, name: 'positive', check: 'id > 0' }
const INDEX: Operation = { kind: 'create_index', definition: 'create index by_name on users (name)' }
/** What is there of it: valid indexes, and checks that are proved. */
const DONE = `select count(*)::int as done from (select from pg_index where indisvalid and indrelid in (select relid from pg_partition_tree('users'))
  union all select from pg_constraint where contype = 'c' and convalidated and conrelid in (select relid from pg_partition_tree('users'))) found`

const SETTINGS = {
  brake: { pollMs: 50 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange
const HURRIED = {
  settings: (standing: Settings) => mergedSettings(standing, { lock: { deadlineMs: 100 } }),
}

/** A run that was begun, and came no further than to the first lock on the table. */
async function begun(database: TestDatabase, operation: Operation) {
  const heard: Notice[] = []
  const bellows = await database.bellows({
    settings: SETTINGS,
    onNotice: (notice) => void heard.push(notice),
  })
  const migration = { name: '0001_test', operations: [operation] }
  const advance = (how = {}) => bellows.change((driver) => driver.advance(migration, 'verify'), how)
  const holder = await database.session('holder')
  await holder.query('begin; lock table users in share update exclusive mode')
  await expect(advance(HURRIED)).rejects.toMatchObject({ code: 'lock_not_had' })
  await holder.query('commit')
  const [run] = await bellows.runs()
  const isPaused = () =>
    expect
      .poll(() => heard.findLast(({ type }) => type === 'braked'), { timeout: 20_000 })
      .toMatchObject({ pace: 'pause', because: [expect.stringMatching(/^paused by .+: the sale$/)] })
  return { bellows, id: run?.id ?? 0, advance, isPaused }
}

describe('what the server does at one go', () => {
  test.each<[string, string, Operation]>([
    ['an index that is built', TABLE, INDEX],
    ['an index of a partitioned table', PARTED, INDEX],
    ['a check that is proved', TABLE, CHECK],
    ['a check of a partitioned table', PARTED, CHECK],
  ])('is not begun while somebody has asked for a pause: %s', async (_what, table, operation) => {
    const database = await testDatabase(table)
    const done = async () => (await database.query<{ done: number }>(DONE))[0]?.done
    const { bellows, id, advance, isPaused } = await begun(database, operation)
    const before = await done()
    await bellows.throttle(id, { share: 0, reason: 'the sale' })
    const going = advance()
    await isPaused()
    await sleep(500)
    expect(await done()).toBe(before)
    await bellows.throttle(id, { share: 1 })
    await going
    expect(await done()).toBeGreaterThan(before ?? 0)
  })

  test('is taken back in spite of a pause', async () => {
    const database = await testDatabase(PARTED)
    const { bellows, id, advance } = await begun(database, INDEX)
    await advance()
    await bellows.throttle(id, { share: 0, reason: 'the sale' })
    expect((await bellows.change((driver) => driver.rollback(id))).state).toBe('rolled_back')
  })
})
