import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import { catalog, traces } from '../support/catalog.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { startDriver } from './processes.ts'
import { GIVEN, MIGRATION, ROWS, SETTINGS, STALE_MS } from './racing.ts'

const VERSIONS = ['1 add_full_name_column', '2 copy_name_to_full_name', '3 remove_name_column']

describe('engines that race', () => {
  test.for([2, 5])('%i of them: each version is made once, and all end well', async (count) => {
    const database = await testDatabase(GIVEN)
    const engines = await Promise.all(
      Array.from({ length: count }, () => database.bellows({ settings: SETTINGS })),
    )

    const runs = await Promise.all(
      engines.map((one) => one.change((driver) => driver.advance(MIGRATION, 'purge'))),
    )

    expect(runs.map((run) => run.state)).toEqual(engines.map(() => 'completed'))
    expect(new Set(runs.map((run) => run.id)).size).toBe(1)
    await isDoneOnce(database)
  })
})

describe('a driver whose process is stopped', () => {
  const orders = (database: TestDatabase, driver: SettingsChange['driver'] = {}) => ({
    url: database.url,
    migration: MIGRATION,
    until: 'purge' as const,
    settings: { ...SETTINGS, driver: { ...SETTINGS.driver, ...driver } },
    application: 'bellows/the stopped one',
    pauses: [{ when: 'before' as const, kind: 'transact', what: 'step_done 0001_test/backfill/1' }],
  })

  test('is replaced within its stale time, and when it goes on it commits nothing', async () => {
    const database = await testDatabase(GIVEN)
    const stopped = startDriver(orders(database, { reconnectsMax: 0 }))
    await stopped.paused()
    stopped.signal('SIGSTOP')
    const since = Date.now()
    const heard: string[] = []
    const bellows = await database.bellows({
      settings: SETTINGS,
      onNotice: (notice) => {
        if (notice.type === 'waiting_for_driver') heard.push(notice.holder)
      },
    })

    const tookOverAfter = await bellows.change(async (driver) => {
      const took = Date.now() - since
      await driver.advance(MIGRATION, 'purge')
      return took
    })

    expect(heard[0]).toContain('bellows/the stopped one')
    expect(tookOverAfter, 'it was waited for').toBeGreaterThan(STALE_MS / 2)
    expect(tookOverAfter, 'not for much longer than it may be silent').toBeLessThan(STALE_MS * 5)
    const before = await journal(database)
    stopped.signal('SIGCONT')
    stopped.goOn()
    expect(await stopped.ending).toMatchObject({ failed: 'connection_lost' })
    expect(await journal(database), 'the late driver wrote nothing').toEqual(before)
    await isDoneOnce(database)
  })

  test('finds everything done when it connects again', async () => {
    const database = await testDatabase(GIVEN)
    const stopped = startDriver(orders(database))
    await stopped.paused()
    stopped.signal('SIGSTOP')
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

    stopped.signal('SIGCONT')
    stopped.goOn()

    expect(await stopped.ending).toEqual({ ended: 'completed' })
    await isDoneOnce(database)
  })

  test('and whose lock was lost while its session lives is told that it is no driver any more', async () => {
    const database = await testDatabase(GIVEN)
    const stopped = startDriver({ ...orders(database), loseLock: true })
    await stopped.paused()
    stopped.signal('SIGSTOP')
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const before = await journal(database)

    stopped.signal('SIGCONT')
    stopped.goOn()

    expect(await stopped.ending).toMatchObject({ failed: 'driver_lost' })
    expect(await journal(database), 'the late driver wrote nothing').toEqual(before)
    await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await isDoneOnce(database)
  })

  test('without the fence a paused driver does commit', async () => {
    const database = await testDatabase(GIVEN)
    const stopped = startDriver({ ...orders(database), until: 'backfill', loseLock: true })
    await stopped.paused()
    stopped.signal('SIGSTOP')
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await database.query(
      'create or replace function bellows.fence(mine bigint) returns void language sql as $$ select $$',
    )

    stopped.signal('SIGCONT')
    stopped.goOn()
    await stopped.ending

    const versions = await bellows.versions()
    expect(versions.map(({ name }) => name)).toEqual([
      'add_full_name_column',
      'copy_name_to_full_name',
      'copy_name_to_full_name',
    ])
  })

  test('by SIGKILL, while the server works for it, leaves a run whose rows are counted once', async () => {
    const database = await testDatabase(`${GIVEN};
      create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$;
      create trigger slow before update on users for each row when (new.id between 200 and 250) execute function slow()`)
    const batches = { when: 'before' as const, kind: 'transact', what: 'with filled' }
    const killed = startDriver({ ...orders(database), pauses: Array.from({ length: 5 }, () => batches) })
    for (let batch = 1; batch <= 5; batch += 1) {
      await killed.paused()
      killed.goOn()
    }
    await sleep(100)
    killed.signal('SIGKILL')
    const bellows = await database.bellows({ settings: SETTINGS })

    await bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

    await isDoneOnce(database)
  })
})

async function journal(database: TestDatabase): Promise<unknown[]> {
  return await database.query('select seq, event from bellows.event order by seq')
}

async function isDoneOnce(database: TestDatabase): Promise<void> {
  const versions = await database.query<{ version: string; rows: number | null }>(
    `select format('%s %s', version, name) as version, (facts ->> 'rows')::int as rows from bellows.version order by bellows.version.version`,
  )
  expect(versions.map(({ version }) => version)).toEqual(VERSIONS)
  expect(versions[1]?.rows, 'every row is counted once').toBe(ROWS)
  const twice = await database.query(
    `select event from bellows.event where event ->> 'type' in ('step_done', 'version_applied', 'run_completed') group by 1 having count(*) > 1`,
  )
  expect(twice).toEqual([])
  expect(await database.query(`select from users where full_name is distinct from 'user ' || id`)).toEqual([])
  expect(await traces(database)).toEqual([])
  expect((await catalog(database)).find((line) => line.startsWith('table users '))).toContain(' options {} ')
}
