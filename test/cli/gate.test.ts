import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { pauseBetweenLooks } from '../../src/cli/commands/gate.ts'
import { workplace } from '../support/cli.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { silentFor } from '../support/silent-for.ts'

const USERS = `create table users (id int primary key, name text not null, legacy text);
  insert into users (id, name) select i, 'user ' || i from generate_series(1, 10) i`
const RENAME = 'operations:\n  - rename_column: { table: users, from: name, to: full_name }\n'
const BOTH = `${RENAME}  - drop_column: { table: users, column: legacy }\n`
const ADD = 'operations:\n  - add_column: { table: users, column: email, type: text }\n'

async function atTheGate(migration = RENAME) {
  const database = await testDatabase(USERS)
  const place = await workplace({ DATABASE_URL: database.url })
  await place.run('init')
  await place.write('bellows.config.yaml', 'settings: { gate: { quietMs: 0 } }')
  await place.write('migrations/0001_change.yaml', migration)
  for (const command of ['expand', 'backfill', 'verify']) await place.run(command)
  return { database, place }
}

const UNTOUCHED = ['sessions', 'transactions', 'usage', 'clients'].map((check) => ({ check, state: 'green' }))

const register = (database: TestDatabase, instance: string, uses: string, more = '') =>
  database.query(`select bellows.register('${instance}', array['${uses}']${more})`)

test.for([
  [1, 1_000],
  [15, 3_000],
  [1_000, 5_000],
] as const)('between two looks that take %i ms there are %i ms', ([lookMs, pauseMs]) => {
  expect(pauseBetweenLooks(lookMs)).toBe(pauseMs)
})

describe('gate explain', () => {
  test('says who uses the old shape, until nobody does, and what is next then', async () => {
    const { database, place } = await atTheGate()
    await register(database, 'app-1', 'users.name')
    expect(await place.run('gate')).toMatchObject({
      code: 5,
      out: expect.stringMatching(
        /^"users"."name" is active\n {2}leases +red +the instance "app-1" uses "users"."name"\n.*- the instance "app-1" .*\n.*bellows instances release app-1 --reason "<why>"\n {2}sessions +green/,
      ),
    })
    await register(database, 'app-1', 'users.full_name')
    expect(await place.run('gate', 'explain', '0001_change')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^"users"."name" is drained\n[\s\S]*next: bellows contract 0001_change\n$/),
    })
  })

  test('tells one that is silent from one that is there', async () => {
    const { database, place } = await atTheGate()
    await register(database, 'app-1', 'users.name', ", application_name => 'nobody has this name'")
    await silentFor(database, '1 minute')
    expect(await place.run('gate')).toMatchObject({ code: 5, out: expect.stringContaining('is draining') })
    expect(await place.run('gate', '--silent-grace', '1s')).toMatchObject({
      code: 0,
      out: expect.stringContaining('its grace is over'),
    })
  })

  test('does not know where nobody ever registered, unless that is taken on', async () => {
    const { place } = await atTheGate()
    expect(await place.run('gate')).toMatchObject({
      code: 5,
      out: expect.stringMatching(/is unknown\n {2}leases +unknown +no instance was ever registered/),
    })
    expect((await place.run('gate', '--allow-no-instances', 'not deployed yet')).code).toBe(0)
  })

  test('names everything that stands against it at once, as one document when asked', async () => {
    const { database, place } = await atTheGate(BOTH)
    await register(database, 'app-1', 'users.legacy')
    await database.query('create view names as select name from users')
    const { code, out } = await place.run('gate', 'explain', '--json')
    expect(code).toBe(5)
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      migration: '0001_change',
      open: false,
      gates: [
        {
          column: 'name',
          usage: 'drained',
          open: false,
          checks: [
            { check: 'leases', state: 'green' },
            ...UNTOUCHED,
            { check: 'dependents', state: 'red', code: 'dependents_found' },
          ],
        },
        {
          column: 'legacy',
          usage: 'active',
          open: false,
          checks: [
            { check: 'leases', state: 'red', code: 'instances_blocking' },
            ...UNTOUCHED,
            { check: 'dependents', state: 'green' },
          ],
        },
      ],
    })
  })

  test('is no more than a look: nobody is kept from registering, and nothing is written', async () => {
    const { database, place } = await atTheGate()
    const events = () => database.query('select count(*)::int as events from bellows.event')
    const before = await events()
    await place.run('gate')
    await register(database, 'app-1', 'users.name')
    expect(await events()).toEqual(before)
  })

  test('has nothing to say of a migration that takes nothing away, or whose old shape is gone', async () => {
    const { place } = await atTheGate(ADD)
    expect(await place.run('gate', 'explain', '0001_change')).toMatchObject({
      code: 0,
      out: '0001_change: nothing waits at a gate.\n',
    })
    const { database, place: other } = await atTheGate()
    await register(database, 'app-1', 'users.full_name')
    expect((await other.run('contract', '--confirm', database.name)).code).toBe(0)
    expect(await other.run('gate', 'explain', '0001_change')).toMatchObject({
      code: 0,
      out: '0001_change: nothing waits at a gate.\n',
    })
  })

  test('does not call a migration ready that was taken back', async () => {
    const { database, place } = await atTheGate()
    await register(database, 'app-1', 'users.name')
    expect((await place.run('rollback', '--yes')).code).toBe(0)
    for (const command of ['explain', 'wait'])
      expect(await place.run('gate', command, '0001_change')).toMatchObject({
        code: 3,
        err: expect.stringContaining('is rolled back'),
      })
  })

  test('needs a migration that was begun', async () => {
    const { place } = await atTheGate()
    expect(await place.run('gate', 'explain', '0002_other')).toMatchObject({
      code: 64,
      err: expect.stringContaining('was not begun'),
    })
    expect((await place.run('gate', 'open')).code).toBe(64)
    expect((await place.run('gate', 'wait', '--timeout', 'soon')).code).toBe(64)
  })
})

describe('gate wait', () => {
  test('waits until nobody needs the old shape, and says each change on the way', async () => {
    const { database, place } = await atTheGate()
    await register(database, 'app-1', 'users.name')
    await register(database, 'app-2', 'users.name')
    const waiting = place.run('gate', 'wait', '--timeout', '100s')
    const looks = () =>
      database.query(
        `select from pg_stat_activity where datname = current_database() and application_name like 'bellows/% gate'`,
      )
    await expect.poll(async () => (await looks()).length, { timeout: 60_000 }).toBeGreaterThan(0)
    await sleep(1_500)
    await database.query(`select bellows.release('app-1')`)
    await sleep(3_000)
    await database.query(`select bellows.release('app-2')`)

    const { code, out, err } = await waiting
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^"users"."name" is drained\n[\s\S]*next: bellows contract 0001_change\n$/),
    })
    expect(err.match(/is active/g)?.length, 'not the same again and again').toBeLessThanOrEqual(2)
    expect(err).toContain('app-2')
  })

  test('gives up after its time, and says why', async () => {
    const { database, place } = await atTheGate()
    await register(database, 'app-1', 'users.name')
    expect(await place.run('gate', 'wait', '--timeout', '1s')).toMatchObject({
      code: 5,
      out: expect.stringContaining('the instance "app-1" uses "users"."name"'),
    })
    const { code, out, err } = await place.run('gate', 'wait', '--timeout', '0', '--json')
    expect({ code, err }).toEqual({ code: 5, err: '' })
    expect(JSON.parse(out)).toMatchObject({ open: false, gates: [{ usage: 'active' }] })
  })
})
