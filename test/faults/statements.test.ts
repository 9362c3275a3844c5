import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import { cleanUp } from '../support/database.ts'
import { startServer } from '../support/own-server.ts'
import { passing } from '../support/quiet.ts'
import { check, MIGRATION, STATEMENTS, watched } from '../support/watched-pair.ts'

const QUIET = { settings: { gate: { quietMs: 1_000 } } }
const NAMED = 'select name from users where id = 1'

async function seen(): Promise<{ usage: () => ReturnType<typeof check>; client: pg.Client }> {
  const all = await watched(STATEMENTS, QUIET)
  return { usage: () => check(all, 'usage'), client: await all.session('primary') }
}

describe('a statement that used the column', () => {
  test('is quiet after its last call, also when functions have run it as well', async () => {
    const { usage, client } = await seen()
    await client.query(`set pg_stat_statements.track = 'all'`)
    await client.query(NAMED)
    await client.query(`do $$ begin execute '${NAMED}'; execute '${NAMED}'; end $$`)
    await client.query(`set pg_stat_statements.track = 'top'`)
    expect((await usage())?.state).toBe('red')
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')

    await client.query(NAMED)
    expect((await usage())?.state).toBe('red')
  })

  test('is found however long its list of columns is, and one without it is not taken for it', async () => {
    const { usage, client } = await seen()
    const list = (column: string) =>
      Array.from({ length: 300 }, (_, at) => `u.${column} as column_number_${at}`).join(', ')
    await client.query(`select ${list('full_name')} from users u`)
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    await client.query(`select ${list('full_name')} from users u`)
    expect((await usage())?.state).toBe('green')

    await client.query(`select ${list('full_name')}, name from users u`)
    expect((await usage())?.state).toBe('red')
  })

  test('is found by the name of a partition, too, which need not have that of its table in it', async () => {
    const { url } = await startServer(STATEMENTS)
    await passing(
      url,
      `create extension pg_stat_statements; create table users (id int, name text) partition by range (id);
       create table low partition of users for values from (0) to (9);
       create table "high-1" partition of users for values from (9) to (19); create table others (name text)`,
    )
    const bellows = await openBellows({ database: url, application: 'bellows/test', ...QUIET })
    cleanUp(() => bellows.close())
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'] })
    const usage = () => check({ bellows }, 'usage')
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    await passing(url, 'select id from low')
    expect((await usage())?.state).toBe('green')
    await passing(url, 'select name from low')
    expect(await usage()).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('select name from low')],
    })
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    await passing(url, `select lower(name) /* ${'x'.repeat(100_000)} */ from others`)
    expect((await usage())?.state, 'too long to be read, and of no partition').toBe('green')
    await passing(url, 'select name from "high-1"')
    expect((await usage())?.state).toBe('red')
  })

  test('is not known to be none where statements are not kept, be it of one role', async () => {
    const { usage, client } = await seen()
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    const unknown = (setting: string) => ({
      state: 'unknown',
      because: expect.arrayContaining([expect.stringContaining(`they are not kept there (${setting})`)]),
    })

    await client.query(`create role app login; alter role app set pg_stat_statements.track = 'none'`)
    expect(await usage()).toMatchObject(unknown('pg_stat_statements.track=none for app'))
    await client.query('alter role app reset all')
    expect((await usage())?.state).not.toBe('unknown')
    await client.query(`alter system set compute_query_id = 'off'`)
    await client.query('select pg_reload_conf()')
    await expect.poll(usage, { timeout: 20_000 }).toMatchObject(unknown('compute_query_id = off'))
  })

  test('is not known to be none where the texts were lost', async () => {
    const { usage, client } = await seen()
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    const { rows } = await client.query(
      `select current_setting('data_directory') || '/pg_stat_tmp/pgss_query_texts.stat' as file`,
    )
    await client.query(`set pg_stat_statements.track = 'none'`)
    await client.query(`copy (select) to program 'rm "${rows[0].file}"'`)
    expect(await usage()).toMatchObject({
      state: 'unknown',
      because: expect.arrayContaining([expect.stringContaining('the texts of some are lost there')]),
    })
    await client.query('select pg_stat_statements_reset()')
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
  })
})
