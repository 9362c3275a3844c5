import { describe, expect, test } from 'vitest'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'

const USERS = 'create table users (id int primary key, name text)'

const add = (column: string) => ({
  name: `add_${column}`,
  operations: [
    {
      kind: 'add_column',
      namespace: 'public',
      table: 'users',
      column,
      type: 'text',
      nullable: true,
    } as const,
  ],
})

describe('installing', () => {
  test('twenty installers at once make one journal', async () => {
    const database = await testDatabase()
    const all = await Promise.all(Array.from({ length: 20 }, () => database.bellows()))
    await Promise.all(all.map((bellows) => bellows.install()))
    expect(await database.query('select journal_version from bellows.meta')).toEqual([{ journal_version: 3 }])
  })

  test('looking installs nothing', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows()
    expect(await bellows.runs()).toEqual([])
    expect(await bellows.versions()).toEqual([])
    expect(await bellows.driver()).toBeUndefined()
    await bellows.plan(add('email'))
    expect(await database.query(`select to_regnamespace('bellows') is null as untouched`)).toEqual([
      { untouched: true },
    ])
  })

  test('a namespace of that name that somebody else made is left alone', async () => {
    const database = await testDatabase('create schema bellows; create table bellows.air (id int)')
    const bellows = await database.bellows()
    await expect(bellows.install()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('a namespace "bellows" that Bellows did not make'),
      hint: expect.stringContaining('alter schema bellows rename'),
    })
    expect(
      await database.query(`select relname from pg_class where relnamespace = 'bellows'::regnamespace`),
    ).toEqual([{ relname: 'air' }])
  })

  test('another role is told whose journal it is', async () => {
    const database = await testDatabase(USERS)
    const role = `other_${database.name}`.slice(0, 63)
    await (await database.bellows()).install()
    await database.query(`create role ${role} login`)
    cleanUp(async () => void (await database.query(`drop owned by ${role}; drop role ${role}`)))
    const url = new URL(database.url)
    url.username = role
    const bellows = await database.bellows({ database: url.toString() })
    await expect(bellows.runs()).rejects.toMatchObject({
      code: 'config_invalid',
      hint: expect.stringContaining('Connect as "postgres"'),
    })
  })

  test('any role may register, also where functions are not for everybody', async () => {
    const database = await testDatabase(
      `${USERS}; alter default privileges revoke execute on functions from public`,
    )
    const role = `app_${database.name}`.slice(0, 63)
    await (await database.bellows()).install()
    await database.query(`create role ${role}`)
    cleanUp(async () => void (await database.query(`drop owned by ${role}; drop role ${role}`)))
    const session = await database.session()
    await session.query(`set role ${role}`)
    await session.query(
      `select bellows.register('a', array['users.name']), bellows.renew('a'), bellows.release('a')`,
    )
    await expect(session.query('select bellows.fence(1)')).rejects.toThrow('permission denied')
  })

  test('a role that is called like our namespace is warned of', async () => {
    const database = await testDatabase(USERS)
    const named = async () =>
      (await (await database.bellows()).examine()).find(({ check }) => check === 'role names')
    expect(await named()).toMatchObject({ verdict: 'ok' })
    await database.query('create role bellows')
    cleanUp(async () => void (await database.query('drop role bellows')))
    expect(await named()).toMatchObject({ verdict: 'warning', hint: expect.stringContaining('search_path') })
  })

  test('a journal that a newer Bellows made is not touched', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows()
    await bellows.install()
    await database.query('update bellows.meta set journal_version = 99')
    const refused = { code: 'journal_newer', message: expect.stringContaining('version 99') }
    await expect(bellows.runs()).rejects.toMatchObject(refused)
    await expect(bellows.change((driver) => driver.advance(add('email'), 'expand'))).rejects.toMatchObject(
      refused,
    )
  })

  test('a role that may not create namespaces is told so, and nothing is half done', async () => {
    const { database, role } = await withRole()
    const bellows = await database.bellows({ database: role })
    await expect(bellows.install()).rejects.toMatchObject({
      code: 'config_invalid',
      hint: expect.stringMatching(/^Let it, once: grant create on database test_\w+ to role_\w+$/),
    })
    expect(await bellows.examine()).toContainEqual(
      expect.objectContaining({ check: 'journal', verdict: 'failed' }),
    )
  })
})

/** A role that may connect, and whose URL is returned. */
async function withRole(): Promise<{ database: TestDatabase; role: string }> {
  const database = await testDatabase(USERS)
  const name = `role_${database.name.slice(-12)}`
  await database.query(`create role ${name} login`)
  return { database, role: database.url.replace('postgres@', `${name}@`) }
}

describe('the story', () => {
  test('can be added to and never changed', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows()
    await bellows.change((driver) => driver.advance(add('email'), 'expand'))
    for (const statement of [
      'update bellows.event set at = now()',
      'delete from bellows.event',
      'truncate bellows.event',
    ]) {
      await expect(database.query(statement), statement).rejects.toThrow('append-only')
    }
  })

  test('numbers the versions from 1 without gaps, also where one was taken back', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows()
    const numbers = async () => (await bellows.versions()).map(({ version, name }) => [version, name])
    for (const column of ['a', 'b']) await bellows.change((driver) => driver.advance(add(column), 'purge'))
    expect(await numbers()).toEqual([
      [1, 'add_a_column'],
      [2, 'add_b_column'],
    ])
    await bellows.change((driver) => driver.withdraw(2, { version: 2, name: 'add_b_column' }))
    expect(await numbers()).toEqual([[1, 'add_a_column']])
    await bellows.change((driver) => driver.advance(add('c'), 'purge'))
    expect(await numbers()).toEqual([
      [1, 'add_a_column'],
      [2, 'add_c_column'],
    ])
  })

  test('goes on where one was taken back, also with what stands behind its backfill', async () => {
    const database = await testDatabase(`${USERS}; insert into users values (1, 'a')`)
    const bellows = await database.bellows()
    const on = { namespace: 'public', table: 'users' } as const
    const both = {
      name: 'both',
      operations: [
        { kind: 'rename_column', ...on, from: 'name', to: 'nick' } as const,
        { kind: 'rename_table', ...on, to: 'people' } as const,
      ],
    }
    await bellows.change((driver) => driver.advance(both, 'verify'))
    const copied = (await bellows.versions()).find(({ facts }) => facts.change.kind === 'copied')
    if (copied === undefined) throw new Error('there is no version of the copy')
    await bellows.change((driver) => driver.withdraw(copied.run, copied))
    expect(await bellows.run('both')).toMatchObject({ state: 'backfilling' })

    await bellows.change((driver) => driver.advance(both, 'verify'))

    expect(await database.query('select nick from people')).toEqual([{ nick: 'a' }])
  })

  test('returns the runs that are asked for', async () => {
    const database = await testDatabase(USERS)
    const bellows = await database.bellows({
      settings: { gate: { whenNoneRegistered: 'allow', unregistered: 'allow' } },
    })
    await bellows.change((driver) => driver.advance(add('a'), 'purge'))
    const rename = {
      name: 'rename',
      operations: [
        { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'nick' } as const,
      ],
    }
    await bellows.change((driver) => driver.advance(rename, 'expand'))
    const names = async (which: Parameters<typeof bellows.runs>[0]) =>
      (await bellows.runs(which)).map((run) => run.plan.migration.name)
    expect(await names('all')).toEqual(['add_a', 'rename'])
    expect(await names('open')).toEqual(['rename'])
    expect(await names({ id: 1 })).toEqual(['add_a'])
    expect(await names({ migration: 'rename' })).toEqual(['rename'])
    await bellows.change((driver) => driver.rollback(2))
    expect(await names('open')).toEqual([])
    expect(await bellows.run('rename')).toBeUndefined()
  })

  test('shows the shape of a table as people write it', async () => {
    const database = await testDatabase(
      'create table "Order" (id int primary key, name text not null, "full name" text, "User" int not null)',
    )
    await (await database.bellows()).install()
    expect(await database.query(`select bellows.shape('public', 'Order') as shape`)).toEqual([
      { shape: `"Order" (name, "full name" NULL, "User")` },
    ])
  })
})
