import { describe, expect, test } from 'vitest'
import { versionName } from '../../src/core/plan/change.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { Crash, type Effect, faultyBellows } from '../support/faulty-ports.ts'
import { silentFor } from '../support/silent-for.ts'
import { DROP, LAPSE, migration, RENAME, SETTINGS } from './legacy.ts'

const GIVEN = `
create table users (id int primary key, name text not null unique check (name <> ''), legacy text);
create index on users (lower(name));
insert into users (id, name) select i, 'user ' || i from generate_series(1, 50) i`

describe('two tables of one name in two namespaces', () => {
  test('each have a gate of their own, which is passed again when it has lapsed', async () => {
    const database = await testDatabase(
      `${GIVEN}; create schema sales; create table sales.users (id int primary key, legacy text)`,
    )
    const both = { ...migration(DROP), operations: [DROP, { ...DROP, namespace: 'sales' }] }
    const before = ({ what }: Effect) => {
      if (what.includes('step_done 0001_test/retire/2')) throw new Crash('between the two')
    }
    const crashed = faultyBellows(database.url, { before }, { settings: SETTINGS })
    await expect(crashed.bellows.change((driver) => driver.advance(both, 'purge'))).rejects.toThrow(Crash)
    await crashed.bellows.close()
    await database.query(LAPSE)

    const bellows = await database.bellows({ settings: SETTINGS })
    const run = await bellows.change((driver) => driver.advance(both, 'purge'))
    expect(run.state).toBe('completed')
    expect(
      await database.query(`select attrelid::regclass::text from pg_attribute where attname = 'legacy'`),
    ).toEqual([])
  })
})

describe('a view that somebody made on the old column since the plan', () => {
  const view = 'create view public.report as select name from users'

  test('keeps the gate closed, and the door is open again', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.advance(migration(RENAME), 'verify'))
    await database.query(view)

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'dependents_found',
      message: expect.stringContaining('the view public.report depends on "users"."name"'),
      facts: { dependents: ['view public.report'] },
    })

    await bellows.instances.register({ instance: 'old-1', uses: ['users.name'] })
    await bellows.instances.release('old-1')
    await database.query('drop view public.report')
    expect((await contract(bellows)).state).toBe('completed')
  })

  test('between the look of the gate and retire stops retire', async () => {
    const database = await testDatabase(GIVEN)
    const { bellows } = faultyBellows(
      database.url,
      { before: once(isRetire, () => database.query(view)) },
      { settings: SETTINGS },
    )

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'dependents_found',
      message: expect.stringContaining('since the gate was passed'),
    })
    expect(await database.query('select count(name)::int from users')).toEqual([{ count: 50 }])

    await database.query('drop view public.report')
    expect((await contract(bellows)).state).toBe('completed')
    await bellows.close()
  })
})

describe('between the look of the gate and retire', () => {
  test('a door that has opened by itself is noticed', async () => {
    const database = await testDatabase(GIVEN)
    const { bellows } = faultyBellows(
      database.url,
      { before: once(isRetire, () => database.query(LAPSE)) },
      { settings: SETTINGS },
    )

    await expect(contract(bellows)).rejects.toMatchObject({ code: 'gate_expired' })
    expect(await database.query('select name from users where id = 1')).toEqual([{ name: 'user 1' }])

    expect((await contract(bellows)).state).toBe('completed')
    await bellows.close()
  })

  test('an instance that was thought to be gone and comes back is noticed', async () => {
    const database = await testDatabase(GIVEN)
    const gate = { ...SETTINGS.gate, silentGraceMs: 0 }
    const { bellows } = faultyBellows(
      database.url,
      { before: once(isRetire, () => database.query(`select bellows.renew('old-1')`)) },
      { settings: { ...SETTINGS, gate } },
    )
    await bellows.instances.register({
      instance: 'old-1',
      uses: ['users.name'],
      applicationName: 'nobody',
    })
    await silentFor(database, '1 hour')

    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('old-1'),
    })
    expect(await database.query('select name from users where id = 1')).toEqual([{ name: 'user 1' }])
    await bellows.close()
  })
})

describe('retire and purge', () => {
  test.for([
    ['a rename', RENAME],
    ['a dropped column', DROP],
  ] as const)('of %s never scan the table', async ([, operation]) => {
    const database = await testDatabase(GIVEN)
    const before = await scansOf(database)
    await during(database, (bellows) =>
      bellows.change((driver) => driver.advance(migration(operation), 'verify')),
    )
    const prepared = await scansOf(database)
    await during(database, (bellows) =>
      bellows.change((driver) => driver.advance(migration(operation), 'purge')),
    )
    const after = await scansOf(database)

    expect(after).toEqual(prepared)
    if (operation === RENAME) expect(prepared, 'a scan would be seen').not.toEqual(before)
    const versions = await database.query<{ name: string }>(
      'select name from bellows.version order by version',
    )
    expect(versions.at(-1)?.name).toMatch(
      new RegExp(versionName({ kind: 'removed', column: '(name|legacy)' })),
    )
  })
})

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(migration(RENAME), 'purge'))

const isRetire = ({ kind, what }: Effect) =>
  kind === 'transact' && what.includes('step_done 0001_test/retire/1')

function once(isIt: (effect: Effect) => boolean, work: () => Promise<unknown>) {
  let isDone = false
  return async (effect: Effect): Promise<void> => {
    if (isDone || !isIt(effect)) return
    isDone = true
    await work()
  }
}

/** Figures of a session are complete as soon as it has ended. */
async function during(database: TestDatabase, work: (bellows: Bellows) => Promise<unknown>): Promise<void> {
  const bellows = await database.bellows({ settings: SETTINGS, application: 'bellows/measured' })
  await work(bellows)
  await bellows.close()
  await expect
    .poll(() =>
      database.query(
        `select from pg_stat_activity where application_name = 'bellows/measured' and datname = current_database()`,
      ),
    )
    .toEqual([])
}

async function scansOf(database: TestDatabase): Promise<unknown> {
  // Those of the session that looks, too, which are told once a second at most.
  await database.query('select pg_stat_force_next_flush(), pg_stat_clear_snapshot()')
  const [scans] = await database.query(
    `select seq_scan, seq_tup_read, idx_scan, idx_tup_fetch from pg_stat_user_tables where relid = 'users'::regclass`,
  )
  return scans
}
