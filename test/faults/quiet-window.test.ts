import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { fakeFleet } from '../support/fake-deployer.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'

const GIVEN = `create table users (id int primary key, name text not null);
  insert into users select i, 'user ' || i from generate_series(1, 20) i`
const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const SETTINGS: SettingsChange = { driver: { pollMs: 20 }, gate: { quietMs: 600_000, transactionsMs: 100 } }

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

/** Verified, and watched for an hour in which nobody came. */
async function quiet(): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  await bellows.instances.register({ instance: 'new-1', uses: ['users.full_name'], applicationName: 'new-1' })
  await look(bellows)
  await pass(database, '1 hour')
  return { database, bellows }
}

async function look(bellows: Bellows): Promise<readonly GateCheck[]> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks ?? []
}

const stateOf = async (bellows: Bellows, name: GateCheck['check']) =>
  (await look(bellows)).find(({ check }) => check === name)?.state

/** As if so much time had gone by since the last look. */
const pass = (database: TestDatabase, time: string) =>
  database.query(`
update bellows.watch set state = state || jsonb_build_object('sinceMs', (state ->> 'sinceMs')::numeric - ms, 'stood',
    (select coalesce(jsonb_agg(one || jsonb_build_object('ms', (one ->> 'ms')::numeric - ms)), '[]') from jsonb_array_elements(state -> 'stood') one))
  from extract(epoch from interval '${time}' * 1000) ms`)

async function gone(database: TestDatabase, session: { end(): Promise<void> }, name: string): Promise<void> {
  await session.end()
  await expect
    .poll(() =>
      database.query(
        `select from pg_stat_activity where application_name = '${name}' and datname = current_database()`,
      ),
    )
    .toEqual([])
}

const BEGINS_ANEW = {
  code: 'gate_closed',
  message: expect.stringMatching(/is quiet for \d+ s of 10 min: the check "sessions" was red until then/),
}

describe('a session of nobody who registered that was there at one look and is gone at the next', () => {
  test('lets the quiet time begin anew, whoever looks next', async () => {
    const { database, bellows } = await quiet()
    const session = await database.session('nightly report')
    await expect(contract(bellows)).rejects.toThrow(/called "nightly report"/)
    await gone(database, session, 'nightly report')

    const another = await database.bellows({ settings: SETTINGS })
    await expect(contract(another)).rejects.toMatchObject(BEGINS_ANEW)
    expect((await look(another)).find(({ check }) => check === 'usage')).toMatchObject({
      state: 'red',
      offenders: [{ application: 'nightly report', lastSeen: expect.any(String) }],
    })
    await pass(database, '11 minutes')
    expect((await contract(another)).state).toBe('completed')
    expect(await another.audit()).toEqual([])
  })

  test('does so as well where "gate explain" has seen it', async () => {
    const { database, bellows } = await quiet()
    const session = await database.session('nightly report')
    expect(await stateOf(bellows, 'sessions')).toBe('red')
    await gone(database, session, 'nightly report')
    await expect(contract(bellows)).rejects.toMatchObject(BEGINS_ANEW)
  })

  test('does not where sessions are gone without', async () => {
    const { database, bellows } = await quiet()
    const session = await database.session('nightly report')
    await look(bellows)
    await gone(database, session, 'nightly report')
    const overrides = [{ check: 'sessions', reason: 'it is known' }] as const
    const sure = await database.bellows({ settings: { ...SETTINGS, gate: { ...SETTINGS.gate, overrides } } })
    expect((await contract(sure)).state).toBe('completed')
  })

  test('is not forgotten for somebody who had looked a moment before it came', async () => {
    const { database, bellows } = await quiet()
    const other = await database.bellows({ settings: SETTINGS })
    let isFirst = true
    const { bellows: slow } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (!isFirst || kind !== 'write' || !what.includes('bellows.watch')) return
          isFirst = false
          const session = await database.session('nightly report')
          expect(await stateOf(other, 'sessions')).toBe('red')
          await gone(database, session, 'nightly report')
        },
      },
      { settings: SETTINGS },
    )
    cleanUp(() => slow.close())
    expect(await stateOf(slow, 'sessions')).toBe('green')
    expect(isFirst).toBe(false)
    await expect(contract(bellows)).rejects.toMatchObject(BEGINS_ANEW)
  })
})

test('an instance of the old version that was there at one look and has ended by the next lets it begin anew', async () => {
  const { database, bellows } = await quiet()
  const fleet = fakeFleet()
  fleet.put({ id: 'web-1', role: 'web', slot: 1, version: '1' })
  fleet.put({ id: 'web-2', role: 'web', slot: 2, version: '2' })
  const settings = { ...SETTINGS, gate: { ...SETTINGS.gate, version: '2' } }
  const asking = await database.bellows({ settings, deployer: fleet.deployer })
  await expect(contract(asking)).rejects.toThrow(/the instance "web-1" of "1" is still there/)
  fleet.kill('web-1')

  await expect(contract(asking)).rejects.toThrow(
    /the check "inventory" was red until then: the instance "web-1"/,
  )
  // Where nobody knows what runs, the check is not asked for.
  expect(await stateOf(bellows, 'usage')).toBe('green')
  await pass(database, '11 minutes')
  expect((await contract(asking)).state).toBe('completed')
})

test('a run in which nobody was ever in the way takes no longer, however often somebody looks', async () => {
  const { bellows } = await quiet()
  for (let looks = 0; looks < 3; looks += 1) await look(bellows)
  expect((await contract(bellows)).state).toBe('completed')
})
