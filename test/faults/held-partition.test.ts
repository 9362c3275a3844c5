import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Notice } from '../../src/index.ts'
import { testDatabase } from '../support/database.ts'
import { MIGRATION, SETTINGS, table, UNLIKE } from './wide-rows.ts'

const PARTED = `
create table users (id int not null, pad text default repeat('x', 200), name text not null) partition by range (id);
create table users_a partition of users for values from (minvalue) to (201);
create table users_b partition of users for values from (201) to (401);
create table users_c partition of users for values from (401) to (maxvalue);
insert into users (id, name) select i, 'user ' || i from generate_series(1, 600) i; analyze users`

/** Longer than our own statements wait for a lock where nothing else is said. */
const HELD_MS = 6_500

/** A backfill and its comparison, while somebody has a table for himself. */
async function fillingWhileHeld(given: string, held: string) {
  const database = await testDatabase(given)
  const told: Notice[] = []
  const bellows = await database.bellows({ settings: SETTINGS, onNotice: (notice) => void told.push(notice) })
  const run = await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  const holder = await database.session()
  await holder.query(`begin; lock table ${held} in access exclusive mode`)
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  return { database, bellows, run, told, holder, filling }
}

/** As VACUUM FULL does, for as long as that takes. */
test('a partition that somebody has for himself holds up neither the others, nor the brake, nor who looks on', {
  timeout: 60_000,
}, async () => {
  const { database, bellows, run, told, holder, filling } = await fillingWhileHeld(PARTED, 'users_c')

  const filled = async () =>
    (await database.query<{ n: number }>('select count(full_name)::int as n from users where id < 401'))[0]?.n
  await expect.poll(filled, { timeout: 20_000 }).toBe(400)
  expect(await bellows.progress(run.id)).toMatchObject({ rowsTotal: 600 })
  await sleep(HELD_MS)
  await holder.query('commit')
  await filling
  expect(told.filter(({ type }) => type === 'braked')).toEqual([])
  expect(await database.query(UNLIKE)).toEqual([])
})

test('a table that somebody has for himself is waited for as its rows are', { timeout: 60_000 }, async () => {
  const { database, bellows, run, told, holder, filling } = await fillingWhileHeld(table(), 'users')

  await sleep(HELD_MS)
  expect(await bellows.progress(run.id)).toBeUndefined()
  await holder.query('commit')
  await filling
  expect(told.some(({ type }) => type === 'waiting_for_lock')).toBe(true)
  expect(await database.query(UNLIKE)).toEqual([])
})
