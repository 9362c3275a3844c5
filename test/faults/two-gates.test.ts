import { expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { cleanUp, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'

const MIGRATION = {
  name: '0001_test',
  operations: [rename(), rename({ table: 'accounts', from: 'login', to: 'login_name' })],
} as const
const SETTINGS = { driver: { pollMs: 20 }, gate: { transactionsMs: 100 } }

test('of two columns the second is looked at once more after the first was hidden', async () => {
  const database = await testDatabase(
    'create table users (id int primary key, name text); create table accounts (id int primary key, login text)',
  )
  const other = await database.bellows({ settings: SETTINGS })
  await other.change((driver) => driver.advance(MIGRATION, 'verify'))
  await other.instances.register({ instance: 'new-1', uses: ['users.full_name', 'accounts.login_name'] })
  let isDeclared = false
  const { bellows } = faultyBellows(
    database.url,
    {
      after: async ({ kind, what }) => {
        if (isDeclared || kind !== 'transact' || !what.includes('/retire/')) return
        isDeclared = true
        await other.clients.declare({ client: 'bi', role: 'nobody', owner: 'data team' })
      },
    },
    { settings: SETTINGS },
  )
  cleanUp(() => bellows.close())
  const contract = () => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

  await expect(contract()).rejects.toMatchObject({
    code: 'gate_closed',
    message: expect.stringContaining('"data team" has not said that the client "bi" does without'),
  })
  const login = `select attname from pg_attribute where attrelid = 'accounts'::regclass and attname = 'login'`
  expect(isDeclared).toBe(true)
  expect(await database.query(login)).toHaveLength(1)
  await other.clients.acknowledge({ client: 'bi', by: 'ana' })
  expect((await contract()).state).toBe('completed')
})

test.for([false, true])(
  'a gate behind work that took long is passed anew; somebody came meanwhile: %s',
  async (came) => {
    const doorMs = 2_000
    const database = await testDatabase('create table users (id int primary key, name text)')
    const operations: readonly Operation[] = [
      { kind: 'add_constraint', namespace: 'public', table: 'users', name: 'named', check: `name <> ''` },
      { kind: 'rename_table', namespace: 'public', table: 'users', to: 'people' },
    ]
    const settings = {
      ...SETTINGS,
      gate: { ...SETTINGS.gate, doorMs, unregistered: 'allow', quietMs: 0 },
    } as const
    const other = await database.bellows({ settings })
    const migration = { name: '0001_test', operations }
    await other.change((driver) => driver.advance(migration, 'verify'))
    await other.instances.register({ instance: 'new-1', uses: ['people.id'] })
    await other.instances.release('new-1')
    let isProved = false
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (isProved || kind !== 'transact' || !what.includes('0001_test/retire/3')) return
          isProved = true
          await new Promise((resolve) => setTimeout(resolve, doorMs + 100))
          if (came) await other.instances.register({ instance: 'old-1', uses: ['users.name'] })
        },
      },
      { settings },
    )
    cleanUp(() => bellows.close())
    const contract = bellows.change((driver) => driver.advance(migration, 'purge'))

    if (came) await expect(contract).rejects.toMatchObject({ code: 'instances_blocking' })
    else expect((await contract).state).toBe('completed')
    expect(isProved).toBe(true)
    expect(
      await database.query(`select from pg_class where relname = 'users' and relkind = 'r'`),
    ).toHaveLength(came ? 1 : 0)
  },
)

test.for(['another gate', 'a lock'] as const)(
  'who comes behind a contract that %s has kept is let in',
  async (what) => {
    const database = await testDatabase(
      'create table users (id int primary key, name text); create table accounts (id int primary key, login text)',
    )
    const settings = {
      ...SETTINGS,
      lock: { canaryTimeoutMs: 20, heldTimeoutMs: 50, pauseMaxMs: 50, deadlineMs: 200 },
      gate: { ...SETTINGS.gate, unregistered: 'allow', quietMs: 0 },
    } as const
    const other = await database.bellows({ settings })
    await other.change((driver) => driver.advance(MIGRATION, 'verify'))
    const uses =
      what === 'a lock' ? ['users.full_name', 'accounts.login_name'] : ['users.full_name', 'accounts.login']
    await other.instances.register({ instance: 'new-1', uses })
    const session = await database.session()
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what: step }) => {
          if (what === 'a lock' && kind === 'transact' && step.includes('/retire/'))
            await session.query('begin; select from users')
        },
      },
      { settings },
    )
    cleanUp(() => bellows.close())

    await expect(bellows.change((driver) => driver.advance(MIGRATION, 'purge'))).rejects.toMatchObject({
      code: what === 'a lock' ? 'lock_not_had' : 'instances_blocking',
    })
    await other.instances.register({ instance: 'old-1', uses: ['users.name'] })
  },
)
