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
})
