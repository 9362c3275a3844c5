import { describe, expect, test } from 'vitest'
import { openBellows } from '../../src/compose.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp } from '../support/database.ts'
import { startServer } from '../support/own-server.ts'
import { passing } from '../support/quiet.ts'
import { rename } from '../support/rename.ts'
import { conninfo } from '../support/standby.ts'

const migration = (...operations: Operation[]): Migration => ({ name: '0001_test', operations })
const MIGRATION = migration(rename())
const ON = { namespace: 'public', table: 'users' } as const
const DROPPED_DEFAULT: Operation = { kind: 'alter_column', ...ON, column: 'name', default: null }
const DROPPED_UNIQUE: Operation = { kind: 'drop_constraint', ...ON, name: 'by_name', unsafe: 'not needed' }
const UNIQUE = 'alter table users add constraint by_name unique (name)'
const DEFAULT = `alter table users alter name set default 'x'`

/** Two databases of one server, each with the table; the first has a run that waits at its gate. */
async function waiting(run = MIGRATION, more = '') {
  const server = await startServer({ wal_level: 'logical', max_prepared_transactions: '2' })
  const [shop, other] = [server.databaseUrl('shop'), server.databaseUrl('other')]
  for (const name of ['shop', 'other']) await passing(server.url, `create database ${name}`)
  for (const url of [shop, other])
    await passing(url, 'create table users (id int primary key, name text); create table notes (id int)')
  await passing(shop, more)
  const bellows = await openBellows({
    database: shop,
    application: 'bellows/test',
    settings: { driver: { pollMs: 20 }, gate: { quietMs: 0, transactionsMs: 100 } },
  })
  cleanUp(() => bellows.close())
  await bellows.change((driver) => driver.advance(run, 'verify'))
  await bellows.instances.register({ instance: 'new-1', uses: ['users.id'], applicationName: 'shop/new-1' })
  return {
    other,
    bellows,
    inShop: (text: string) => passing(shop, text),
    inOther: (text: string) => passing(other, text),
    conninfo: (url: string) => conninfo(url).replaceAll("'", "''"),
    shop,
    clients: () => clients(bellows),
  }
}

async function clients(bellows: Bellows): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find(({ check }) => check === 'clients')
}

describe('whoever reads the log and is not connected now', () => {
  test('keeps the gate closed by its slot until somebody answers for it', async () => {
    const { bellows, inShop, inOther, clients } = await waiting()
    await inOther(`select pg_create_logical_replication_slot('elsewhere', 'test_decoding')`)
    await inShop(`select pg_create_physical_replication_slot('standby')`)
    expect((await clients())?.state).toBe('green')

    await inShop(`select pg_create_logical_replication_slot('cdc', 'test_decoding')`)
    expect(await clients()).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/^the replication slot "cdc" .* which is not connected now; it may need/),
      ],
    })
    const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    await expect(contract()).rejects.toMatchObject({ code: 'gate_closed' })

    await bellows.clients.declare({ client: 'cdc', applicationName: 'Debezium', owner: 'data team' })
    expect(await clients()).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('"data team" has not said that the client "cdc" does without')],
    })
    await bellows.clients.acknowledge({ client: 'cdc', by: 'ana' })
    expect((await clients())?.state).toBe('green')
    expect((await contract()).state).toBe('completed')
  })

  test('does so by what is published only, where it reads that', async () => {
    const { inShop, clients } = await waiting()
    await inShop(
      `select pg_create_logical_replication_slot('cdc', 'pgoutput'); create publication p for table notes`,
    )
    expect((await clients())?.state).toBe('green')
    await inShop('alter publication p add table users')
    expect((await clients())?.state).toBe('red')
    await inShop('drop publication p; create publication p for all tables')
    expect((await clients())?.state).toBe('red')
    await inShop(`begin; lock notes; prepare transaction 'held'`)
    expect((await clients())?.state, 'waits for nobody').toBe('red')
    await inShop(`rollback prepared 'held'`)
    await inShop(`drop publication p; do $$ begin
      if pg_catalog.current_setting('server_version_num')::int < 150000 then create publication p for table users;
      else execute 'create publication p for tables in schema public'; end if; end $$`)
    expect((await clients())?.state).toBe('red')
    await inShop(`select pg_drop_replication_slot('cdc')`)
    expect((await clients())?.state).toBe('green')
  })
})

describe('of what is no column and no table', () => {
  test.each<[string, Operation, string, string]>([
    [
      'an index',
      { kind: 'drop_index', ...ON, index: 'by_name' },
      'create index by_name on users (name)',
      'green',
    ],
    ['a default', DROPPED_DEFAULT, DEFAULT, 'green'],
    ['a unique constraint', DROPPED_UNIQUE, UNIQUE, 'green'],
    [
      'a primary key',
      { kind: 'drop_constraint', ...ON, name: 'users_pkey', unsafe: 'another one follows' },
      '',
      'red',
    ],
    [
      'the rows of a partition',
      { kind: 'detach_partition', ...ON, partition: 'low' },
      'alter table users rename to low; create table users (id int primary key, name text) partition by range (id); alter table users attach partition low for values from (0) to (9)',
      'red',
    ],
  ])(
    'the reader of a log is asked about rows and their keys only: %s',
    async (_what, operation, before, state) => {
      const { inShop, clients } = await waiting(migration(operation), before)
      await inShop(`select pg_create_logical_replication_slot('cdc', 'test_decoding')`)
      expect((await clients())?.state).toBe(state)
    },
  )
})

describe('a subscription', () => {
  test('keeps the gate of what it reads closed, connected or not', async () => {
    const { bellows, inShop, inOther, shop, conninfo, clients } = await waiting()
    await inShop(
      `select pg_create_logical_replication_slot('sub', 'pgoutput'); create publication p for table users`,
    )
    await inOther(
      `create subscription sub connection '${conninfo(shop)} dbname=shop' publication p with (create_slot = false, slot_name = 'sub', copy_data = false)`,
    )
    await expect.poll(clients, { timeout: 20_000 }).toMatchObject({
      state: 'red',
      because: [
        expect.stringMatching(/^the replication slot "sub" is kept for a reader of the log; it may need/),
      ],
      offenders: [{ application: 'sub', role: 'postgres' }],
    })
    await bellows.clients.declare({
      client: 'the copy',
      role: 'postgres',
      applicationName: 'sub',
      owner: 'ana',
    })
    await bellows.clients.acknowledge({ client: 'the copy', by: 'ana' })
    expect((await clients())?.state).toBe('green')
    await inOther('alter subscription sub disable')
    await inOther('alter subscription sub set (slot_name = none)')
    await inOther('drop subscription sub')
  })

  test.each<[string, string, Migration, string]>([
    ['a column', '"users"\\."name"', MIGRATION, ''],
    ['what is on it', 'the default of public.users.name', migration(DROPPED_DEFAULT), DEFAULT],
  ])('keeps the gate of the table that it writes into closed: %s', async (_what, called, run, before) => {
    const { bellows, other, inShop, inOther, conninfo, clients } = await waiting(run, before)
    await inOther(
      `select pg_create_logical_replication_slot('sub', 'pgoutput'); create publication p for table users`,
    )
    await inShop(
      `create subscription sub connection '${conninfo(other)} dbname=other' publication p with (create_slot = false, slot_name = 'sub', copy_data = false)`,
    )
    expect(await clients()).toMatchObject({
      state: 'red',
      because: [expect.stringMatching(`^the subscription "sub" writes into the table of ${called}`)],
    })
    await bellows.clients.declare({ client: 'sub', applicationName: 'sub', owner: 'ana' })
    await bellows.clients.acknowledge({ client: 'sub', by: 'ana' })
    expect((await clients())?.state).toBe('green')
    await inShop('alter subscription sub disable')
    await inShop('alter subscription sub set (slot_name = none)')
    await inShop('drop subscription sub')
  })
})
