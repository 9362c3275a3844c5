import { expect, test } from 'vitest'
import { clearColumnState, closeDoorSql, setColumnState } from '../../../src/core/plan/column-state.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { aRole } from '../../support/role.ts'

const USERS = { namespace: 'public', name: 'users' }

async function registry(): Promise<{
  database: TestDatabase
  instances: Awaited<ReturnType<TestDatabase['bellows']>>['instances']
}> {
  const database = await testDatabase(
    'create table users (id int primary key, name text); create table "my.table" (id int)',
  )
  const bellows = await database.bellows()
  await bellows.install()
  return { database, instances: bellows.instances }
}

test('an instance may use a whole table, and is told so', async () => {
  const { instances } = await registry()
  await instances.register({ instance: 'a', uses: ['users.*', '"my.table".*', 'public.users.name'] })
  expect(await instances.list()).toMatchObject([{ uses: ['my.table.*', 'users.*', 'users.name'] }])
  await expect(instances.register({ instance: 'b', uses: ['people.*'] })).rejects.toMatchObject({
    code: 'instance_refused',
    message: expect.stringMatching(/The table people does not exist: run the migration/),
  })
})

test('whoever uses a whole table needs each column of it, and whoever uses a column needs the table', async () => {
  const { instances } = await registry()
  await instances.register({ instance: 'all', uses: ['users.*'] })
  await instances.register({ instance: 'two', uses: ['users.id', 'users.name'] })
  await instances.register({ instance: 'other', uses: ['"my.table".id'] })
  const needing = async (column?: string) =>
    (await instances.needing(USERS, column, { graceMs: 60_000 })).map(({ instance }) => instance)
  expect(await needing()).toEqual(['all', 'two'])
  expect(await needing('name')).toEqual(['all', 'two'])
  await instances.register({ instance: 'two', uses: ['users.id'] })
  expect(await needing('name')).toEqual(['all'])
  expect(await needing()).toEqual(['all', 'two'])
})

test('while the door of a table is closed nobody registers with anything of it', async () => {
  const { database, instances } = await registry()
  await instances.register({ instance: 'before', uses: ['users.name'] })
  await database.query(closeDoorSql(USERS, undefined, 60_000))
  for (const use of ['users.*', 'users.id'])
    await expect(instances.register({ instance: 'late', uses: [use] })).rejects.toThrow(
      /being retired: this instance is too old/,
    )
  await instances.register({ instance: 'other', uses: ['"my.table".*'] })
  await instances.renew('before')
  await database.query(setColumnState(USERS, undefined, 'retired'))
  await expect(instances.renew('before')).rejects.toThrow('users.name is retired: this instance must stop')
  await database.query(clearColumnState(USERS, undefined))
  await instances.renew('before')
})

test('while the door of a column is closed nobody registers with all of its table, and does again when it is gone', async () => {
  const { database, instances } = await registry()
  await database.query(closeDoorSql(USERS, 'name', 60_000))
  await expect(instances.register({ instance: 'a', uses: ['users.*'] })).rejects.toThrow(/being retired/)
  await database.query(setColumnState(USERS, 'name', 'retired'))
  await instances.register({ instance: 'a', uses: ['users.*'] })
  await instances.renew('a')
})

test('a session counts for a table when its role has any right on it, be it to delete', async () => {
  const { database } = await registry()
  const role = await aRole(database)
  const mayUse = async () => {
    const [row] = await database.query(
      `select bellows.may_use('${role}'::regrole, 'users'::regclass, '') as may`,
    )
    return row?.may
  }
  expect(await mayUse()).toBe(false)
  await database.query(`grant delete on users to ${role}`)
  expect(await mayUse()).toBe(true)
  await database.query(`revoke delete on users from ${role}; grant select (name) on users to ${role}`)
  expect(await mayUse()).toBe(true)
})
