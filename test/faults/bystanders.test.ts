import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { startBystanders } from './bystanders.ts'
import { startDriver } from './processes.ts'
import { BYSTANDERS, GIVEN, MIGRATION, ROWS, SETTINGS } from './teams.ts'

describe('a driver whose process is stopped while it takes a lock', () => {
  const STOPPED_MS = 2_500
  const LOCKING = ['expand/1', 'verify/3', 'verify/8', 'retire/1', 'purge/1']

  test('lets nobody wait: a transaction is on its way as a whole, or not at all', async () => {
    const database = await testDatabase(GIVEN)
    const driver = startDriver({
      url: database.url,
      migration: MIGRATION,
      until: 'purge',
      settings: { ...SETTINGS, driver: { ...SETTINGS.driver, staleMs: 60_000 } },
      pauses: LOCKING.map((step) => ({
        when: 'before',
        kind: 'transact',
        what: `step_done 0001_test/${step}`,
      })),
    })
    const bystanders = await startBystanders(database, BYSTANDERS)
    for (const [at] of LOCKING.entries()) {
      await driver.paused()
      driver.goOn()
      // Each time a little later: before it sends, while it waits for the answer, and behind it.
      await sleep(at)
      driver.signal('SIGSTOP')
      await sleep(STOPPED_MS)
      driver.signal('SIGCONT')
    }

    expect(await driver.ending).toEqual({ ended: 'completed' })
    const { longestMs, errors } = await bystanders.stop()
    expect(errors).toEqual([])
    expect(longestMs).toBeLessThan(STOPPED_MS / 2)
  })
})

describe('applications that lock rows against the order of the backfill', () => {
  const NOT_SERIAL = { batch: { rows: 300, verifyRows: 1_000, lockTimeoutMs: 300, attemptsMax: 100 } }

  test('never lose a deadlock: the engine gives way', async () => {
    const database = await testDatabase(GIVEN.replaceAll(String(ROWS), '20000'))
    // Under a name of its own: who waits for it is not to be taken for somebody who waits for us.
    const holder = await database.session('the holder')
    const waits: string[] = []
    const bellows = await database.bellows({
      settings: { ...SETTINGS, ...NOT_SERIAL },
      onNotice: ({ type }) => {
        waits.push(type)
        if (type === 'waiting_for_lock') void holder.query('commit')
      },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    // Where chance brings none of the others in the way of the backfill, this one is.
    await holder.query('begin; select from users where id = 10000 for update')
    const applications = await startBystanders(
      database,
      [0, 1, 2, 3].map(
        (at) => `do $$ begin
        for n in 1..40 loop
          perform pg_catalog.set_config('a.b', (20 + pg_catalog.floor(pg_catalog.random() * 19000))::text, true);
          update users set seen = seen + ${at} where id = current_setting('a.b')::int + 14;
          perform pg_catalog.pg_sleep(0.001);
          update users set seen = seen + ${at} where id = current_setting('a.b')::int + 7;
          update users set seen = seen + ${at} where id = current_setting('a.b')::int;
          commit;
        end loop; end $$`,
      ),
    )
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    expect((await applications.stop()).errors).toEqual([])
    expect(waits).toContain('waiting_for_lock')
  })

  test('never lose a deadlock on a server that looks for one sooner than usual', async () => {
    const LOOKS_AFTER_MS = 500
    const AT_WORK = 4711
    const database = await testDatabase(
      GIVEN,
      // The batch has the first row, and comes to one that somebody holds before those who wait for the first one look.
      `create function slow() returns trigger language plpgsql as $$ begin
         if current_setting('bellows.backfill', true) = 'on' then
           perform pg_advisory_xact_lock(${AT_WORK}), pg_sleep(${(0.8 * LOOKS_AFTER_MS) / 1_000}); end if; return new; end $$;
       create trigger slow before update on users for each row when (new.id = 2) execute function slow()`,
    )
    await database.query(`alter database ${database.name} set deadlock_timeout = ${LOOKS_AFTER_MS}`)
    const bellows = await database.bellows({
      settings: { ...SETTINGS, batch: { rows: ROWS, attemptsMax: 100 } },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const app = await database.session('the application')
    await app.query('begin; update users set seen = 1 where id = 180')
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    const atWork = () =>
      database.query(`select from pg_locks where locktype = 'advisory' and objid = ${AT_WORK}`)
    await expect.poll(atWork, { interval: 5, timeout: 10_000 }).toHaveLength(1)

    await app.query('update users set seen = 1 where id = 1; commit')

    await filling
  })

  test('are not put at risk where a server looks too soon for any batch to end before', async () => {
    const database = await testDatabase(GIVEN)
    await database.query(`alter database ${database.name} set deadlock_timeout = 50`)
    const bellows = await database.bellows({ settings: SETTINGS })
    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'expand'))).rejects.toMatchObject({
      code: 'plan_refused',
      message: expect.stringMatching(/^The server looks for deadlocks after 50 ms/),
    })
    expect(await bellows.runs()).toEqual([])
  })

  test('never lose a deadlock either when a batch takes longer than the server waits for one', async () => {
    const database = await testDatabase(`${GIVEN};
      create function slow() returns trigger language plpgsql as $$ begin
        if current_setting('application_name') like 'bellows%' then perform pg_sleep(0.004); end if; return new; end $$;
      create trigger slow before update on users for each row execute function slow()`)
    const bellows = await database.bellows({
      // Far enough below deadlock_timeout for a machine that stalls.
      settings: { ...SETTINGS, batch: { rows: ROWS, lockTimeoutMs: 150, statementTimeoutMs: 400 } },
    })
    await bellows.change((driver) => driver.advance(MIGRATION, 'expand'))
    const app = await database.session('the application')
    await app.query('begin; update users set seen = 1 where id = 180')
    const filling = bellows.change((driver) => driver.advance(MIGRATION, 'backfill'))
    await sleep(100)

    await app.query('update users set seen = 1 where id = 1; commit')

    await filling
  })
})
