import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Bellows, Operation } from '../../src/index.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { goneWithout } from '../support/gone-without.ts'
import { servingFleet, wish } from '../support/rollouts.ts'

const SETTINGS: SettingsChange = {
  lock: { canaryTimeoutMs: 20, heldTimeoutMs: 50, pauseMaxMs: 50, deadlineMs: 200 },
  gate: { unregistered: 'allow', quietMs: 0, version: 'v2' },
}
const GIVEN = `create table others (id int, code text);
  create table users (id int, code text);
  create index by_code on users (code);
  create function f1() returns int language sql as 'select 1';
  create function f2() returns int language sql as 'select 1';
  create table log (id int) partition by range (id);
  create table log_1 partition of log for values from (0) to (10);
  insert into log values (1)`
const NEW = { instance: 'new-1', version: 'v2', uses: ['users.*', 'others.*', 'log.*'] }

const on = (table: string) => ({ namespace: 'public', table }) as const
const FILLED: Operation = { kind: 'alter_column', ...on('others'), column: 'code', nullable: false }
const DROP: Operation = { kind: 'drop_index', ...on('users'), index: 'by_code' }

async function given(graceMs = 0) {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: { ...SETTINGS, graceMs } })
  await bellows.instances.register(NEW)
  const contract = (operations: readonly Operation[], until: 'retire' | 'purge' = 'purge') =>
    bellows.change((driver) => driver.advance({ name: '0001_test', operations }, until))
  return { database, bellows, contract }
}

/** As whoever looks at the gate is told of them. */
async function leasesOf(bellows: Bellows) {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  const { state, because } = report?.checks.find(({ check }) => check === 'leases') ?? {}
  return { state, because }
}

/** From then on an instance of the old version is there, as soon as the journal says that. */
async function oldComesBackAt(database: TestDatabase, condition: string): Promise<void> {
  await database.query(`create function come() returns trigger language plpgsql as $$ begin
      perform bellows.register('old-1', array['users.id'], version => 'v1');
      return new;
    end $$;
    create trigger come after insert on bellows.event for each row when (${condition}) execute function come()`)
}

test('the second of two statements that begin alike waits for whoever came back behind the first', async () => {
  const { database, contract } = await given()
  const operations = ['f1', 'f2'].map(
    (name): Operation => ({
      kind: 'sql',
      namespace: 'public',
      up: `/* ${'x'.repeat(80)} */ drop function ${name}()`,
      phase: 'contract',
      probe: `to_regprocedure('public.${name}()') is null`,
    }),
  )
  await oldComesBackAt(
    database,
    `new.event ->> 'type' = 'step_done' and new.event ->> 'step' = '0001_test/purge/1'`,
  )
  await expect(contract(operations)).rejects.toMatchObject({ code: 'instances_blocking' })
  expect(await database.query(`select to_regprocedure('f2()') is not null as there`)).toEqual([
    { there: true },
  ])
})

test('an instance that comes back between the gate of an index and its drop does not cost the way back', async () => {
  const { database, bellows, contract } = await given()
  await contract([FILLED, DROP], 'retire')
  await oldComesBackAt(database, `new.event ->> 'type' = 'gate_opened'`)
  await expect(contract([FILLED, DROP])).rejects.toMatchObject({ code: 'instances_blocking' })
  expect((await bellows.run('0001_test'))?.state).toBe('retiring')
  expect((await bellows.change((driver) => driver.rollback(1))).state).toBe('rolled_back')
})

test.for<readonly [string, Operation]>([
  ['NOT NULL', { kind: 'alter_column', ...on('others'), column: 'code', nullable: false }],
  ['a primary key', { kind: 'add_constraint', ...on('others'), name: 'key', primary_key: ['code'] }],
])('an undo that stopped before %s is taken forward again', async ([, operation]) => {
  const { database, contract, bellows } = await given()
  const filled: Operation = { kind: 'alter_column', ...on('users'), column: 'id', nullable: false }
  await contract([DROP, operation, filled], 'retire')
  const reader = await database.session()
  await reader.query('begin; select from others')
  await expect(bellows.change((driver) => driver.undo(1))).rejects.toMatchObject({ code: 'lock_not_had' })
  await reader.query('rollback')
  expect((await contract([DROP, operation, filled])).state).toBe('completed')
})

test('a partition that was detached can be attached again until its grace is over', async () => {
  const { database, contract, bellows } = await given(3_600_000)
  const operation: Operation = { kind: 'detach_partition', ...on('log'), partition: 'log_1' }
  await expect(contract([operation])).rejects.toMatchObject({ code: 'gate_closed' })
  expect(await database.query('select from log')).toEqual([])
  await bellows.change((driver) => driver.undo(1))
  expect(await database.query('select id from log')).toEqual([{ id: 1 }])
})

test('what is left to be dropped by itself goes by the version that was said to stay', async () => {
  const { database, contract, bellows } = await given(1)
  await contract([FILLED, DROP], 'retire')
  await bellows.schedulePurge(1, 0)
  const { version: _, ...gate } = SETTINGS.gate ?? {}
  const cron = await database.bellows({ settings: { ...SETTINGS, gate } })
  await bellows.instances.register({ ...NEW, instance: 'old-1', version: 'v1' })
  expect(await cron.reap()).toMatchObject([{ dropped: false, because: expect.stringContaining('old-1') }])
  expect(await leasesOf(cron)).toEqual({
    state: 'red',
    because: ['the instance "old-1" may use the index public.by_code: it is of "v1", and not "v2"'],
  })
  await bellows.instances.release('old-1')
  expect(await leasesOf(cron)).toMatchObject({ state: 'green' })
  expect(await cron.reap()).toEqual([{ migration: '0001_test', dropped: true }])
})

test('what was gone without when the drop was scheduled is gone without when it comes, and written down again', async () => {
  const { database, contract, bellows } = await given(1)
  await contract([FILLED, DROP], 'retire')
  await bellows.instances.register({ ...NEW, instance: 'old-1', version: 'v1' })
  const overrides = [{ check: 'leases', instance: 'old-1', reason: 'it is a notebook' }] as const
  const owner = await database.bellows({
    settings: { ...SETTINGS, gate: { ...SETTINGS.gate, overrides } },
  })
  const cron = await database.bellows({ settings: SETTINGS })
  await bellows.schedulePurge(1, 0)
  expect(await cron.reap()).toMatchObject([{ dropped: false }])

  await owner.schedulePurge(1, 0)

  expect(await cron.reap()).toEqual([{ migration: '0001_test', dropped: true }])
  expect(await goneWithout(bellows)).toMatchObject(overrides)
})

test('that nobody ever registered is said once for the contract and for the drop by itself', async () => {
  const database = await testDatabase(GIVEN)
  const gate = { unregistered: 'allow', quietMs: 0 } as const
  const owner = await database.bellows({
    settings: { gate: { ...gate, whenNoneRegistered: 'allow', reason: 'a batch job' }, graceMs: 1 },
  })
  const migration = {
    name: '0001_test',
    operations: [{ kind: 'drop_column', ...on('others'), column: 'code' }, DROP] as const,
  }
  await owner.change((driver) => driver.advance(migration, 'retire'))
  await owner.schedulePurge(1, 0)

  const cron = await database.bellows({ settings: { gate } })
  expect(await cron.reap()).toEqual([{ migration: '0001_test', dropped: true }])
})

describe('what was said by hand for the contract goes for the drop by itself', () => {
  const operations = [FILLED, DROP]
  const scheduled = async (open: (database: TestDatabase) => Promise<Bellows>) => {
    const database = await testDatabase(GIVEN)
    const owner = await open(database)
    await owner.instances.register(NEW)
    await owner.change((driver) => driver.advance({ name: '0001_test', operations }, 'retire'))
    await owner.schedulePurge(1, 0)
    return database
  }
  const QUIET = { unregistered: 'allow', version: 'v2' } as const

  test('also for how long nothing may have used it', async () => {
    const database = await scheduled(async (one) => {
      const told = await one.bellows({ settings: { gate: { ...QUIET, quietMs: 3_600_000 }, graceMs: 1 } })
      return { ...told, change: (await one.bellows({ settings: { ...SETTINGS, graceMs: 1 } })).change }
    })
    const cron = await database.bellows({ settings: SETTINGS })
    expect(await cron.reap()).toMatchObject([{ dropped: false, because: expect.stringMatching(/of 60 min/) }])
  })

  test('also which standbys applications read from', async () => {
    const url = 'postgres://app:secret@127.0.0.1:9/shop'
    const database = await scheduled(async (one) => {
      const told = await one.bellows({ settings: SETTINGS, standbys: [url] })
      return { ...told, change: (await one.bellows({ settings: { ...SETTINGS, graceMs: 1 } })).change }
    })
    const cron = await database.bellows({ settings: SETTINGS })
    const [reaped] = await cron.reap()
    expect(reaped).toMatchObject({
      dropped: false,
      because: expect.stringMatching(/127\.0\.0\.1:9\/shop are not known: .*"standbys" of the config file/),
    })
    expect(JSON.stringify(await database.query('select event from bellows.event'))).not.toContain('secret')
  })
})

test('what is left to be dropped by itself goes by the version that came in over the one that was said to stay', async () => {
  const fleet = servingFleet()
  const database = await testDatabase(GIVEN)
  const settings = { ...SETTINGS, graceMs: 1 }
  const open = (gate: SettingsChange['gate'] = {}) =>
    database.bellows({
      deployer: fleet.deployer,
      settings: { ...settings, gate: { ...SETTINGS.gate, ...gate } },
    })
  const bellows = await open()
  await bellows.instances.register(NEW)
  const operations = [FILLED, DROP]
  const { id } = await bellows.change((driver) => driver.advance({ name: '0001_test', operations }, 'verify'))
  const roll = (run: number, version: string) =>
    bellows.change((driver) => driver.rollOut(run, wish(version), fleet.deployer))
  await roll(id, 'v2')
  await bellows.change((driver) => driver.resume(id, 'retire'))
  await bellows.schedulePurge(id, 0)
  const later: Operation = { kind: 'add_column', ...on('log'), column: 'note', type: 'text', nullable: true }
  const next = await bellows.change((driver) =>
    driver.advance({ name: '0002_later', operations: [later] }, 'verify'),
  )
  await bellows.instances.register({ ...NEW, instance: 'newer-1', version: 'v3' })
  await bellows.instances.release('new-1')
  const { version: _, ...gate } = SETTINGS.gate ?? {}
  const cron = await database.bellows({ deployer: fleet.deployer, settings: { ...settings, gate } })

  await roll(next.id, 'v9')
  expect(await cron.reap(), 'another one than registered').toMatchObject([
    {
      dropped: false,
      because: expect.stringMatching(
        /newer-1.* It goes by "v9" as the version that is to stay\. .*bellows contract 0001_test --to <version>\./,
      ),
    },
  ])
  await roll(next.id, 'v3')
  expect(await cron.reap()).toEqual([{ migration: '0001_test', dropped: true }])
})
