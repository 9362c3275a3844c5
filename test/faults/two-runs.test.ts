import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { type Orders, startDriver } from './processes.ts'
import { SETTINGS } from './racing.ts'

const SHOP = `create table users (id int primary key, name text, nick text);
  create table orders (id int primary key, code text, owner int references users);
  insert into users select i, 'user ' || i from generate_series(1, 500) i;
  insert into orders select i, 'code ' || i, i from generate_series(1, 500) i`

const renaming = (name: string, table: string, from: string): Migration => ({
  name,
  operations: [{ kind: 'rename_column', namespace: 'public', table, from, to: `${from}_new` }],
})

const adding = (name: string, table: string): Migration => ({
  name,
  operations: [
    { kind: 'add_column', namespace: 'public', table, column: 'extra', type: 'text', nullable: true },
  ] satisfies Operation[],
})

const inTheMiddle = { when: 'before' as const, kind: 'transact', what: 'step_done 0001_users/backfill/1' }

function orders(database: TestDatabase, migration: Migration, more: Partial<Orders> = {}): Orders {
  return { url: database.url, migration, until: 'verify', settings: SETTINGS, ...more }
}

/** A process that has users half way renamed, and stands there. */
async function halfWay(database: TestDatabase) {
  const first = startDriver(
    orders(database, renaming('0001_users', 'users', 'name'), { pauses: [inTheMiddle] }),
  )
  await first.paused()
  return first
}

const columnsOf = async (database: TestDatabase, table: string) =>
  (
    await database.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
      [table],
    )
  ).map(({ name }) => name)

describe('a second run', () => {
  test('on another table waits for the step at hand, and both are in flight and end well', async () => {
    const database = await testDatabase(SHOP)
    const first = await halfWay(database)
    const second = startDriver(orders(database, renaming('0002_orders', 'orders', 'code')))
    await sleep(500)
    expect(second.isRunning()).toBe(true)
    expect(await columnsOf(database, 'orders')).toEqual(['id', 'code', 'owner'])
    first.goOn()
    expect([await first.ending, await second.ending]).toEqual([
      { ended: 'verifying' },
      { ended: 'verifying' },
    ])

    const bellows = await database.bellows({ settings: SETTINGS })
    const open = await bellows.runs('open')
    expect(open.map(({ plan }) => plan.migration.name).sort()).toEqual(['0001_users', '0002_orders'])
    for (const run of open.toReversed()) await bellows.change((driver) => driver.resume(run.id, 'purge'))
    expect(await columnsOf(database, 'users')).toEqual(['id', 'nick', 'name_new'])
    expect(await columnsOf(database, 'orders')).toEqual(['id', 'owner', 'code_new'])
  })

  test.each([
    ['that takes another column of it away', renaming('0002_nick', 'users', 'nick')],
    ['that takes the same column away', renaming('0002_name', 'users', 'name')],
  ])('on the same table %s waits, and is refused by name', async (_what, migration) => {
    const database = await testDatabase(SHOP)
    const first = await halfWay(database)
    const second = startDriver(orders(database, migration))
    first.goOn()
    await first.ending
    expect(await second.ending).toMatchObject({
      failed: 'run_conflict',
      message: 'The migration "0001_users" is at work on "users" (verifying).',
    })
    expect(await columnsOf(database, 'users')).toEqual(['id', 'name', 'nick', 'name_new'])
    expect(await database.query('select migration from bellows.run')).toEqual([{ migration: '0001_users' }])
  })

  test('that adds a column to the table is let in between two phases', async () => {
    const database = await testDatabase(SHOP)
    const first = await halfWay(database)
    const second = startDriver(orders(database, adding('0002_add', 'users'), { until: 'expand' }))
    first.goOn()
    await first.ending
    expect(await second.ending).toEqual({ ended: 'completed' })
  })

  test('that adds a column is refused while the first stands in the middle of a phase', async () => {
    const database = await testDatabase(SHOP)
    const first = await halfWay(database)
    first.signal('SIGKILL')
    expect(await startDriver(orders(database, adding('0002_add', 'users'))).ending).toMatchObject({
      failed: 'run_conflict',
      message: 'The migration "0001_users" is at work on "users" (backfilling).',
    })
  })

  test('on a table that the first only locks on its way is refused by name, and the other way round', async () => {
    const pair = [renaming('0001_owner', 'orders', 'owner'), renaming('0002_users', 'users', 'name')] as const
    for (const [begun, refused] of [pair, pair.toReversed() as [Migration, Migration]]) {
      const database = await testDatabase(SHOP)
      expect(await startDriver(orders(database, begun)).ending).toEqual({ ended: 'verifying' })
      expect(await startDriver(orders(database, refused)).ending).toMatchObject({
        failed: 'run_conflict',
        message: `The migration "${begun.name}" is at work on "users" (verifying).`,
      })
    }
  })

  test.each<[string, Operation]>([
    ['a default', { kind: 'rename_column', namespace: 'public', table: 'users', from: 'mood', to: 'state' }],
    [
      'a check, and an array',
      { kind: 'rename_column', namespace: 'public', table: 'users', from: 'moods', to: 'states' },
    ],
    [
      'what it says itself',
      {
        kind: 'add_column',
        namespace: 'public',
        table: 'users',
        column: 'at_night',
        type: 'public.mood',
        nullable: false,
        default: `'ok'`,
        up: 'mood',
      },
    ],
  ])(
    'that renames a value which the plan of the first names is refused by name, and the other way round: %s',
    async (_what, naming) => {
      const rename = (from: string, to: string): Migration => ({
        name: '0002_fine',
        operations: [
          { kind: 'rename_enum_value', namespace: 'public', type: 'mood', from, to, unsafe: 'a test' },
        ],
      })
      const first: Migration = { name: '0001_users', operations: [naming] }
      const given = `create type mood as enum ('ok', 'sad', 'odd');
      create table users (id int primary key, mood mood not null default 'ok', moods mood[] check (moods <> '{ok,sad}'));
      insert into users select generate_series(1, 100)`
      const database = await testDatabase(given)
      const bellows = await database.bellows({ settings: SETTINGS })
      const advance = (migration: Migration, phase: 'verify' | 'purge') =>
        bellows.change((driver) => driver.advance(migration, phase))
      const run = await advance(first, 'verify')
      await expect(advance(rename('ok', 'fine'), 'verify')).rejects.toMatchObject({
        code: 'run_conflict',
        message: `The migration "0001_users" is at work on the value 'ok' of public.mood (verifying).`,
      })
      // A value that the plan does not name may get another name meanwhile.
      expect((await advance(rename('odd', 'strange'), 'purge')).state).toBe('completed')
      await bellows.change((driver) => driver.rollback(run.id))

      const other = { ...rename('ok', 'fine'), name: '0003_fine' }
      // Its rows are read while it waits for its contract.
      const waiting: Operation = { kind: 'drop_column', namespace: 'public', table: 'moods', column: 'old' }
      await database.query('create table moods (id int, old int)')
      await advance({ ...other, operations: [...other.operations, waiting] }, 'verify')
      const said = JSON.parse(JSON.stringify(first).replaceAll(`'ok'`, `'fine'`)) as Migration
      await expect(advance({ ...said, name: '0004_users' }, 'verify')).rejects.toMatchObject({
        code: 'run_conflict',
        message: `The migration "0003_fine" is at work on the value 'fine' of public.mood (expanding).`,
      })
    },
  )
})
