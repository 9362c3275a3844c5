import { expect, test } from 'vitest'
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
