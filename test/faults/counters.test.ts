import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Migration } from '../../src/core/operations/migration.ts'
import { cleanUp } from '../support/database.ts'
import { fastPlace } from '../support/fast-place.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { startServer } from '../support/own-server.ts'
import { passing, quietForAnHour, setBack, usageOn } from '../support/quiet.ts'
import { rename } from '../support/rename.ts'
import { startIn } from '../support/standby.ts'
import { STATEMENTS } from '../support/watched-pair.ts'

const TABLE = `create table users (id int primary key, name text not null);
  insert into users select i, 'user ' || i from generate_series(1, 20) i; create index users_by_name on users (name)`
const RENAME: Migration = { name: '0001_test', operations: [rename()] }
const DROP_INDEX: Migration = {
  name: '0001_test',
  operations: [{ kind: 'drop_index', namespace: 'public', table: 'users', index: 'users_by_name' }],
}
/** What the gate is to go by is its use alone. */
const QUIET = {
  driver: { pollMs: 20 },
  gate: {
    quietMs: 600_000,
    unregistered: 'allow',
    whenNoneRegistered: 'allow',
    transactionsMs: 100,
  },
} satisfies SettingsChange
/** Nobody declares an index: whoever is of the version that is to stay does without. */
const STAYING = { ...QUIET, gate: { ...QUIET.gate, version: 'v2' } }
const NAMED = 'select name from users where id = 1'
const BY_INDEX = `set enable_seqscan = off; set enable_bitmapscan = off; select id from users where name = 'user 1'`

describe('the contract, behind a look at which nothing was used, is stopped', () => {
  test.for<[string, SettingsChange['gate']]>([
    ['while a quiet time is asked for', {}],
    ['where use is all that is seen', { quietMs: 0, quietAloneMs: 600_000, whenNoneRegistered: 'refuse' }],
  ])('by a known statement that ran meanwhile, and by a reset: %s', async ([, gate]) => {
    const settings = { ...QUIET, gate: { ...QUIET.gate, ...gate } }
    const { url } = await startServer(STATEMENTS)
    await passing(url, `${TABLE}; create extension pg_stat_statements`)
    await passing(url, NAMED)
    await quietForAnHour(url, RENAME, settings)
    if (gate?.quietMs === 0) await passing(url, 'delete from bellows.instance', 'bellows')
    expect((await usageOn(url, settings))?.state).toBe('green')

    for (const text of [NAMED, 'select pg_stat_statements_reset()']) {
      await expect(contractWhile(url, RENAME, { settings, text })).rejects.toMatchObject({
        code: 'gate_closed',
        message: expect.stringMatching(
          /"users"."name" was used since the gate looked, or what counts that was/,
        ),
      })
      await setBack(url, settings)
    }
    const there = `select from pg_attribute where attrelid = 'users'::regclass and attname = 'name'`
    expect((await passing(url, there)).rowCount).toBe(1)
    expect((await contractWhile(url, RENAME, { settings, text: 'select 1' })).state).toBe('completed')
  })

  test('by a read of an index that is to go', async () => {
    const { url } = await startServer()
    await passing(url, TABLE)
    await quietForAnHour(url, DROP_INDEX, STAYING)

    await expect(contractWhile(url, DROP_INDEX, { settings: STAYING, text: BY_INDEX })).rejects.toMatchObject(
      {
        code: 'gate_closed',
        message: expect.stringContaining('was used since the gate looked'),
      },
    )
    await setBack(url, STAYING)
    expect((await contractWhile(url, DROP_INDEX, { settings: STAYING, text: 'select 1' })).state).toBe(
      'completed',
    )
  })

  test('when a trigger that counts was switched off meanwhile', async () => {
    const { url } = await startServer()
    await passing(url, TABLE)
    await quietForAnHour(url, RENAME, QUIET)
    const { rows } = await passing(
      url,
      `select format('alter table users disable trigger %I', tgname) as text from pg_trigger where tgname ~ 'bellows_count_update'`,
      'bellows',
    )

    await expect(contractWhile(url, RENAME, { settings: QUIET, text: rows[0].text })).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining('was switched off since'),
    })
  })
})

describe('the quiet time begins anew', () => {
  const ANEW = {
    state: 'red',
    because: [expect.stringContaining('is another server than before, or was restored or started anew')],
  }

  test('in a copy of the database', async () => {
    const server = await startServer()
    await passing(server.url, 'create database shop', 'bellows')
    const [shop, copy] = [server.databaseUrl('shop'), server.databaseUrl('shop_copy')]
    await passing(shop, TABLE)
    await quietForAnHour(shop, RENAME, QUIET)
    await passing(server.url, 'create database shop_copy template shop', 'bellows')

    expect(await usageOn(copy, QUIET)).toMatchObject(ANEW)
    expect((await usageOn(shop, QUIET))?.state).toBe('green')
  })

  test('on a server that was made of a copy of the files', async () => {
    const [first, second] = folders()
    const server = await startIn(first)
    await passing(server.url, TABLE)
    await quietForAnHour(server.url, RENAME, QUIET)
    expect((await usageOn(server.url, QUIET))?.state).toBe('green')
    await server.stop()
    execFileSync('cp', ['-a', first, second])

    expect(await usageOn((await startIn(second)).url, QUIET)).toMatchObject(ANEW)
  })

  test('when a session has crashed, and when the server has, whose statistics are lost then', async () => {
    const [folder] = folders()
    let server = await startIn(folder)
    await passing(server.url, TABLE)
    await quietForAnHour(server.url, DROP_INDEX, STAYING)
    expect((await usageOn(server.url, STAYING))?.state).toBe('green')
    const reads = () => readsOn(server.url)
    const crash = async (kill: () => Promise<void>) => {
      await passing(server.url, BY_INDEX)
      await expect.poll(reads).toBeGreaterThan(0)
      await kill()
      await expect.poll(() => reads().catch(() => 'down'), { timeout: 30_000 }).toBe(0)
      expect(await usageOn(server.url, STAYING)).toMatchObject(ANEW)
    }

    await crash(async () => {
      const ended = passing(server.url, 'select pg_sleep(60)', 'victim').catch(() => undefined)
      const victim = async () =>
        (await passing(server.url, `select pid from pg_stat_activity where application_name = 'victim'`)).rows
      await expect.poll(victim).toHaveLength(1)
      process.kill((await victim())[0].pid, 'SIGKILL')
      await ended
    })
    await setBack(server.url, STAYING)
    expect((await usageOn(server.url, STAYING))?.state).toBe('green')
    await crash(async () => {
      process.kill(server.pid, 'SIGKILL')
      await server.stop()
      server = await startIn(folder)
    })
  })
})

/** Contracts, and runs a text right behind the look that opened the gate. */
async function contractWhile(
  url: string,
  migration: Migration,
  { settings, text }: { readonly settings: SettingsChange; readonly text: string },
) {
  const { bellows } = faultyBellows(
    url,
    {
      after: async ({ kind, what }) => {
        if (kind !== 'transact' || !what.includes('gate_opened')) return
        await passing(url, text)
        // PostgreSQL 14 has what sessions tell written to a file, twice a second at most.
        if (text === BY_INDEX) await expect.poll(() => readsOn(url), { timeout: 10_000 }).toBeGreaterThan(0)
      },
    },
    { settings },
  )
  try {
    return await bellows.change((driver) => driver.advance(migration, 'purge'))
  } finally {
    await bellows.close()
  }
}

/** How often the index was read. */
async function readsOn(url: string): Promise<number> {
  const text = `select idx_scan::int as n from pg_stat_user_indexes where indexrelname = 'users_by_name'`
  return (await passing(url, text, 'bellows')).rows[0].n
}

function folders(): readonly [string, string] {
  const place = mkdtempSync(path.join(fastPlace(), 'bellows-copied-'))
  // A server that must not run as root has another user.
  chmodSync(place, 0o755)
  cleanUp(async () => rmSync(place, { recursive: true, force: true }))
  return [path.join(place, 'first'), path.join(place, 'second')]
}
