import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { aRole } from '../support/role.ts'

const GIVEN = `create table events (id bigint, at date, name text) partition by range (at);
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by hash (id);
  create table events_2021_a partition of events_2021 for values with (modulus 1, remainder 0);
  create table events_2022 partition of events for values from ('2022-01-01') to ('2023-01-01');
  insert into events select i, date '2021-01-01' + i, 'event ' || i from generate_series(1, 20) i`
const on = { namespace: 'public', table: 'events' } as const
const RENAME: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'title' }
const SETTINGS = { driver: { pollMs: 20 }, gate: { transactionsMs: 100 } } satisfies SettingsChange

interface Verified {
  readonly database: TestDatabase
  readonly bellows: Bellows
  readonly check: (name: GateCheck['check']) => Promise<GateCheck | undefined>
  readonly contract: (by?: Bellows, to?: 'retire' | 'purge') => Promise<{ readonly state: string }>
}

async function verified(operation: Operation = RENAME): Promise<Verified> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings: SETTINGS })
  const migration = { name: '0001_test', operations: [operation] }
  await bellows.change((driver) => driver.advance(migration, 'verify'))
  const uses = operation === RENAME ? ['events.title'] : []
  await bellows.instances.register({ instance: 'new-1', uses, applicationName: 'shop/new-1' })
  return {
    database,
    bellows,
    check: async (name) => {
      const [run] = await bellows.runs()
      const [report] = run === undefined ? [] : await bellows.gates(run)
      return report?.checks.find((one) => one.check === name)
    },
    contract: (by = bellows, to = 'purge') => by.change((driver) => driver.advance(migration, to)),
  }
}

describe('whoever names a partition', () => {
  test('keeps its column when it is registered, and that is known', async () => {
    const { bellows, check, contract } = await verified()
    await bellows.instances.register({ instance: 'old-1', uses: ['events_2021_a.name'] })
    expect(await check('leases')).toMatchObject({ state: 'red', offenders: [{ who: expect.any(String) }] })
    await expect(contract()).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('"old-1"'),
    })
    await bellows.instances.release('old-1')
    expect((await contract()).state).toBe('completed')
  })

  test('is refused behind the closed door, and comes no more when the column is gone', async () => {
    const { database, bellows, contract } = await verified()
    const refusals: unknown[] = []
    const registering = () =>
      bellows.instances.register({ instance: 'late', uses: ['events_2022.name'] }).then(
        () => undefined,
        (error: unknown) => error,
      )
    const { bellows: watching } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (kind === 'transact' && what.includes('/retire/')) refusals.push(await registering())
        },
      },
      { settings: { ...SETTINGS, gate: { ...SETTINGS.gate, quietMs: 0 } } },
    )
    cleanUp(() => watching.close())
    await contract(watching, 'retire')
    const refused = { code: 'instance_refused' }
    expect(refusals[0]).toMatchObject({ ...refused, message: expect.stringContaining('being retired') })
    expect(await registering()).toMatchObject(refused)
  })

  test('is seen by the transaction that hides the column, however it came in', async () => {
    const { database, contract } = await verified()
    const { bellows: late } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (kind !== 'transact' || !what.includes('/retire/')) return
          await database.query(`insert into bellows.instance (instance, lease_ms) values ('old-1', 30000) on conflict do nothing;
            insert into bellows.instance_use values ('old-1', 'public', 'events_2022', 'name') on conflict do nothing`)
        },
      },
      { settings: { ...SETTINGS, gate: { ...SETTINGS.gate, quietMs: 0 } } },
    )
    cleanUp(() => late.close())
    await expect(contract(late)).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('events.name is needed by old-1'),
    })
  })

  test('is a stranger by a right on that alone, and its transaction is waited for', async () => {
    const { database, bellows, check, contract } = await verified()
    const role = await aRole(database)
    const session = await database.session('archive', role)
    expect((await check('sessions'))?.state).toBe('green')
    await database.query(`grant select (name) on events_2021_a to ${role}`)
    expect(await check('sessions')).toMatchObject({
      state: 'red',
      offenders: [{ application: 'archive', role }],
    })
    await expect(contract()).rejects.toMatchObject({ code: 'gate_closed' })

    await bellows.clients.declare({ client: 'archive', role, owner: 'data team' })
    await bellows.clients.acknowledge({ client: 'archive', by: 'ana' })
    await session.query('begin; select name from events_2021_a')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await check('transactions')).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('has used the table of')],
      offenders: [{ application: 'archive' }],
    })
    await session.query('commit')
    expect((await contract()).state).toBe('completed')
  })

  test('is waited for when its transaction was prepared', async () => {
    const { database, check } = await verified()
    const session = await database.session('shop/new-1')
    await session.query('begin; delete from events_2021_a where id = 1')
    // A lock on the table itself, as a partition key that is checked takes it, would tell, too.
    expect(
      await database.query(`select from pg_locks where relation = 'events'::regclass and granted`),
    ).toEqual([])
    await session.query(`prepare transaction '${database.name}'`)
    try {
      expect(await check('transactions')).toMatchObject({
        state: 'red',
        because: [expect.stringContaining(`the prepared transaction "${database.name}"`)],
      })
    } finally {
      await session.query(`rollback prepared '${database.name}'`)
    }
    expect((await check('transactions'))?.state).toBe('green')
  })

  test('does without the name of its table', async () => {
    const { database, bellows, contract } = await verified({ kind: 'rename_table', ...on, to: 'happenings' })
    await bellows.instances.register({
      instance: 'other-1',
      uses: ['events_2021_a.name'],
      applicationName: 'shop/other-1',
    })
    const role = await aRole(database)
    await database.query(`grant select on events_2021_a to ${role}`)
    await database.session('archive', role)
    expect((await contract()).state).toBe('completed')
    await bellows.instances.renew('other-1')
  })

  test('keeps all of a table that statements of a contract drop with its partitions', async () => {
    const { bellows, contract } = await verified({
      kind: 'sql',
      namespace: 'public',
      phase: 'contract',
      up: 'drop table events',
      unsafe: 'it is no longer filled',
    })
    await bellows.instances.register({ instance: 'old-1', uses: ['events_2022.id'] })
    await expect(contract()).rejects.toMatchObject({ code: 'instances_blocking' })
  })
})

describe('a session that calls itself as those of Bellows do', () => {
  test.for(['bellows', 'bellows/backup'])(
    'is of nobody known where its role may not write the journal: %s',
    async (name) => {
      const { database, bellows, check, contract } = await verified()
      const role = await aRole(database)
      await database.query(`grant select on events to ${role}`)
      const session = await database.session(name, role)
      expect(await check('sessions')).toMatchObject({
        state: 'red',
        offenders: [{ application: name, role }],
      })
      await bellows.clients.declare({ client: 'theirs', role, owner: 'data team' })
      await bellows.clients.acknowledge({ client: 'theirs', by: 'ana' })
      await session.query('begin; select 1')
      await new Promise((resolve) => setTimeout(resolve, 150))
      expect(await check('transactions')).toMatchObject({
        state: 'red',
        offenders: [{ application: name, role }],
      })
      await session.query('commit')
      expect((await contract()).state).toBe('completed')
    },
  )

  test('is one of them where its role may write it', async () => {
    const { database, check } = await verified()
    const role = await aRole(database)
    await database.query(`grant select on events to ${role}; grant insert on bellows.watch to ${role}`)
    await database.session('bellows/other', role)
    await database.session('bellows')
    expect((await check('sessions'))?.state).toBe('green')
  })

  test('is one of them where its role has to become the one that may write it', async () => {
    const { database, check } = await verified()
    const [owner, login] = [await aRole(database), await aRole(database)]
    await database.query(`grant select on events to ${owner}; grant insert on bellows.watch to ${owner};
      alter role ${login} noinherit; grant ${owner} to ${login}; alter role ${login} set role = ${owner}`)
    const session = await database.session('bellows/other', login)
    await session.query('begin; select 1')
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect((await check('sessions'))?.state).toBe('green')
    expect((await check('transactions'))?.state).toBe('green')
  })
})
