import { expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] }
const ROWS = `select i, 'user ' || i from generate_series(1, 20000) i`

test.each([
  ['a table', `create table users (id int primary key, name text); insert into users ${ROWS}; analyze users`],
  [
    'one that was never analysed',
    `create table users (id int primary key, name text); insert into users ${ROWS}`,
  ],
  [
    'a partitioned one',
    `create table users (id int primary key, name text) partition by range (id);
     create table users_low partition of users for values from (minvalue) to (7000);
     create table users_high partition of users for values from (7000) to (maxvalue);
     insert into users ${ROWS}; analyze users`,
  ],
])('what a backfill needs is told of %s', async (_what, given) => {
  const database = await testDatabase(given)
  const bellows = await database.bellows()
  const [needs, ...more] = await bellows.estimate(await bellows.plan(MIGRATION))
  expect(more).toEqual([])
  expect(needs?.step).toBe('0001_test/backfill/1')
  expect(needs?.rows).toBeGreaterThan(8_000)
  expect(needs?.rows).toBeLessThan(21_000)
  // The rows alone are of some 40 bytes.
  expect(needs?.logBytes).toBeGreaterThan(20_000 * 40)
  expect(needs?.logBytes).toBeLessThan(20_000 * 400)
})

const partitioned = (bounds: readonly number[]) =>
  `create table users (id int primary key, name text) partition by range (id);
   ${bounds.map((to, at) => `create table users_${at} partition of users for values from (${bounds[at - 1] ?? 0}) to (${to});`).join('\n')}
   insert into users ${ROWS}`

test('of partitions that are too small for a ladder it is told that they grow as by plain ranges', async () => {
  const needs = async (bounds: readonly number[]) => {
    const database = await testDatabase(partitioned(bounds))
    const bellows = await database.bellows()
    const [found] = await bellows.estimate(await bellows.plan(MIGRATION))
    return found
  }
  const small = await needs([5_000, 10_000, 15_000, 20_001])
  const large = await needs([20_001])
  const both = await needs([2_000, 20_001])
  expect([small?.way.strategy, large?.way.strategy, both?.way.strategy]).toEqual([
    'plain ranges',
    'ladder',
    'ladder',
  ])
  expect(both?.way.because).toContain('partitions of fewer than 64 blocks by plain ranges')
  expect(large?.way.because).not.toContain('partitions')
  expect(small?.growthBytes).toBeGreaterThan(3 * (large?.growthBytes ?? 0))
})

test('nothing is told of a migration that fills nothing, or a table that is not there yet', async () => {
  const database = await testDatabase('create table users (id int primary key, name text)')
  const bellows = await database.bellows()
  const plan = await bellows.plan(MIGRATION)
  expect(await bellows.estimate({ ...plan, steps: [] })).toEqual([])
  await database.query('drop table users')
  expect(await bellows.estimate(plan)).toEqual([])
})
