import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  clearColumnState,
  closeDoorSql,
  columnIsOffered,
  doorIsClosed,
  holdDoorSql,
  openDoorSql,
  setColumnState,
} from '../../../src/core/plan/column-state.ts'
import { sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'
import { USERS } from '../../support/model.ts'

const JOURNAL = readFileSync(new URL('../../../src/adapters/postgres/journal.sql', import.meta.url), 'utf8')
const IS_COLUMN = `(namespace, "table", "column") = ('public', 'users', 'name')`

describe('the text', () => {
  test('that sets a state replaces an earlier one, its end included', () => {
    expect(
      setColumnState(USERS, 'name', 'retired'),
    ).toBe(`insert into bellows.column_state values ('public', 'users', 'name', 'retired', null)
 on conflict (namespace, "table", "column") do update set state = excluded.state, until = null, since = null`)
  })

  test('that clears a state', () => {
    expect(clearColumnState(USERS, 'name')).toBe(`delete from bellows.column_state where ${IS_COLUMN}`)
  })

  test('that asks whether a column is offered', () => {
    expect(columnIsOffered(USERS, 'name')).toBe(
      `not exists (select from bellows.column_state where ${IS_COLUMN})`,
    )
  })

  test('that closes the door waits for whoever is in it, and gives it an end', () => {
    expect(
      closeDoorSql(USERS, 'name', 1500),
    ).toBe(`with closed as (update bellows.door set closings = closings + 1)
insert into bellows.column_state values ('public', 'users', 'name', 'retiring',
    pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => 1.5), pg_catalog.clock_timestamp())
 on conflict (namespace, "table", "column") do update set until = excluded.until, since = excluded.since,
    state = case column_state.state when 'retired' then 'retired' else excluded.state end`)
  })

  test('that holds the door until the transaction ends', () => {
    expect(holdDoorSql()).toBe('update bellows.door set closings = closings + 1')
  })

  test('that asks whether the door is closed', () => {
    expect(doorIsClosed(USERS, 'name')).toBe(
      `exists (select from bellows.column_state where ${IS_COLUMN} and state in ('retiring', 'retired') and until > pg_catalog.clock_timestamp())`,
    )
  })

  test('takes names for what they are', () => {
    const table = { namespace: "o'app", name: 'a\\b' }
    expect(clearColumnState(table, 'say "x"')).toBe(
      `delete from bellows.column_state where (namespace, "table", "column") = ('o''app',  e'a\\\\b', 'say "x"')`,
    )
  })
})

describe('on the server', () => {
  test('a column is offered unless it has a state', async () => {
    const { query } = await testDatabase(JOURNAL)
    const offered = async () =>
      (await query<{ is: boolean }>(sql`select ${columnIsOffered(USERS, 'name')} as is`))[0]?.is
    expect(await offered()).toBe(true)
    for (const state of ['not_ready', 'closed', 'retired'] as const) {
      await query(setColumnState(USERS, 'name', state))
      expect(await offered()).toBe(false)
    }
    expect(await query('select "column", state, until from bellows.column_state')).toEqual([
      { column: 'name', state: 'retired', until: null },
    ])
    await query(setColumnState(USERS, 'other', 'closed'))
    await query(clearColumnState(USERS, 'name'))
    expect(await offered()).toBe(true)
    expect(await query('select "column" from bellows.column_state')).toEqual([{ column: 'other' }])
  })

  test('the door is closed until its time is over, and a later closing gives it more', async () => {
    const { query } = await testDatabase(JOURNAL)
    const closed = async (column = 'name') =>
      (await query<{ is: boolean }>(sql`select ${doorIsClosed(USERS, column)} as is`))[0]?.is
    expect(await closed()).toBe(false)
    await query(closeDoorSql(USERS, 'name', 60_000))
    expect([await closed(), await closed('other')]).toEqual([true, false])
    await query(closeDoorSql(USERS, 'name', -1))
    expect(await closed()).toBe(false)
    await query(closeDoorSql(USERS, 'name', 60_000))
    expect(await closed()).toBe(true)
    await query(setColumnState(USERS, 'name', 'retired'))
    expect(await closed()).toBe(false)
    expect(await query('select closings::integer from bellows.door')).toEqual([{ closings: 3 }])
  })

  test('the door stays closed for as long as is asked for', async () => {
    const { query } = await testDatabase(JOURNAL)
    await query(closeDoorSql(USERS, 'name', 60_000))
    const closed = async (forMs: number) =>
      (await query<{ is: boolean }>(sql`select ${doorIsClosed(USERS, 'name', forMs)} as is`))[0]?.is
    expect([await closed(30_000), await closed(90_000)]).toEqual([true, false])
  })

  test('what is retired stays so in front of a gate, and behind one that was closed', async () => {
    const { query } = await testDatabase(JOURNAL)
    const closed = async () =>
      (await query<{ is: boolean }>(sql`select ${doorIsClosed(USERS, undefined)} as is`))[0]?.is
    const states = () => query('select "column", state, until from bellows.column_state order by 1')
    await query(setColumnState(USERS, undefined, 'retired'))
    await query(closeDoorSql(USERS, undefined, 60_000))
    await query(closeDoorSql(USERS, 'name', 60_000))
    expect([await closed(), await states()]).toEqual([
      true,
      [
        { column: '', state: 'retired', until: expect.anything() },
        { column: 'name', state: 'retiring', until: expect.anything() },
      ],
    ])
    await query(openDoorSql(USERS, undefined))
    await query(openDoorSql(USERS, 'name'))
    expect([await closed(), await states()]).toEqual([false, [{ column: '', state: 'retired', until: null }]])
  })

  test('the door closes behind whoever is within: it waits for them', async () => {
    const database = await testDatabase(JOURNAL)
    const within = await database.session()
    await within.query('begin; select from bellows.door for share')
    await database.query(`set lock_timeout = '50ms'`)
    for (const text of [closeDoorSql(USERS, 'name', 60_000), holdDoorSql()]) {
      await expect(database.query(text)).rejects.toMatchObject({ code: '55P03' })
    }
    await within.query('commit')
    await database.query(closeDoorSql(USERS, 'name', 60_000))
  })
})
