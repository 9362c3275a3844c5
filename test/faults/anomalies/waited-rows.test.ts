import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { begun, bellowsWaits } from '../begun.ts'
import { MIGRATION, SETTINGS, STEP, UNLIKE } from '../wide-rows.ts'

/** Some hundred blocks, enough for a ladder; all have room for some versions more, and the first ones can be empty. */
const table = (gone: string) => [
  `create table users (id int primary key, seen int default 0, pad text default repeat('x', 200), name text not null);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 3000) i; delete from users where ${gone}`,
  'vacuum users',
]
const FULL = 'id % 10 = 3'
const EMPTY_IN_FRONT = `${FULL} or id < 100`

/** In the middle. */
const ROW = 1_500

/** What a transaction does to the row, and where its new version is then. */
const CHANGES = [
  ['is given another value', `set name = 'new'`, 'same', FULL],
  ['is given one through the new column', `set full_name = 'new'`, 'same', FULL],
  ['has another column changed', 'set seen = seen + 1', 'same', FULL],
  ['is given another key', 'set id = -id', 'same', FULL],
  ['moves to where all was gone through', `set pad = repeat('y', 1500)`, 'behind', EMPTY_IN_FRONT],
  ['moves to where nobody goes', `set pad = repeat('y', 1500)`, 'in front', FULL],
] as const

describe('a row that a batch waits for', () => {
  test.for(CHANGES)('and that %s is written over by nobody, nor missed', async ([, change, where, gone]) => {
    const waited = await waitedFor(`update users ${change} where id = ${ROW}`, gone)
    const before = await waited.block()
    await waited.end('commit')
    const after = await waited.block()
    expect(after === before ? 'same' : after < before ? 'behind' : 'in front').toBe(where)
    expect(await waited.database.query(UNLIKE)).toEqual([])
    expect(await waited.filled(), 'by the trigger, and not by the batch').toBe(waited.rows - 1)
  })

  test.for([
    ['of which nothing comes', `update users set name = 'new' where id = ${ROW}`, 'rollback', 0],
    ['which is only locked', `select from users where id = ${ROW} for update`, 'commit', 0],
    ['which is deleted', `delete from users where id = ${ROW}`, 'commit', 1],
    [
      'which is deleted and comes anew',
      `delete from users where id = ${ROW}; insert into users (id, name) values (${ROW}, 'new')`,
      'commit',
      1,
    ],
  ] as const)('and %s is filled where it is still there', async ([, statement, ending, fewer]) => {
    const waited = await waitedFor(statement, FULL)
    await waited.end(ending)
    expect(await waited.database.query(UNLIKE)).toEqual([])
    expect(await waited.filled()).toBe(waited.rows - fewer)
  })

  test.for([
    ['one that was gone through', 2, 1],
    ['one that comes later', 1, 2],
  ] as const)('and that moves to another partition, %s, fails nobody', async ([, from, to]) => {
    const waited = await waitedFor(`update users set region = ${to} where id = ${ROW}`, [
      `create table users (id int, region int, pad text default repeat('x', 200), name text not null, primary key (id, region)) partition by list (region);
      create table users_1 partition of users for values in (1); create table users_2 partition of users for values in (2);
      insert into users (id, region, name) select i, case when i < 1000 then ${to} else ${from} end, 'user ' || i from generate_series(1, 2000) i`,
    ])
    await waited.end('commit')
    expect(await waited.database.query(UNLIKE)).toEqual([])
    expect(await waited.filled()).toBe(waited.rows - 1)
  })
})

/** Of a table that is filled up to a row which somebody has written in a transaction that is still open. */
async function waitedFor(statement: string, given: string | readonly string[]) {
  const database = await testDatabase(...(typeof given === 'string' ? table(given) : given))
  const bellows = await database.bellows({
    settings: { ...SETTINGS, batch: { ...SETTINGS.batch, rows: 40, lockTimeoutMs: 20_000 } },
  })
  await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
  const rows = await number(database, 'select count(*)::int as n from users')
  const writer = await begun(database, 'the application')
  await writer.session.query(statement)
  const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
  await bellowsWaits(database)
  return {
    database,
    rows,
    block: () =>
      number(database, `select (ctid::text::point)[0]::int as n from users where id in (${ROW}, ${-ROW})`),
    end: async (how: 'commit' | 'rollback') => {
      await writer.session.query(how)
      await filling
    },
    filled: async () => (await bellows.checkpoint(STEP))?.rowsDone,
  }
}

async function number(database: TestDatabase, query: string): Promise<number> {
  const [found] = await database.query<{ n: number }>(query)
  return found?.n ?? Number.NaN
}
