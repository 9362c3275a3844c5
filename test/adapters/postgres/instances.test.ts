import { describe, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { silentFor } from '../../support/silent-for.ts'

const USERS =
  'create table users (id int primary key, name text); create schema sales; create table sales.orders (note text)'

async function registry(): Promise<{
  database: TestDatabase
  instances: Awaited<ReturnType<TestDatabase['bellows']>>['instances']
}> {
  const database = await testDatabase(USERS)
  const bellows = await database.bellows()
  await bellows.install()
  return { database, instances: bellows.instances }
}

describe('registering', () => {
  test('keeps what an instance uses, and a second time replaces it', async () => {
    const { instances } = await registry()
    expect(await instances.register({ instance: 'a', uses: ['users.name'] })).toEqual({
      instance: 'a',
      leaseMs: 30_000,
      notReady: [],
    })
    await instances.register({
      instance: 'a',
      uses: ['sales.orders.note', 'users.id'],
      leaseMs: 5_000,
      application: 'shop',
      version: '2.3.0',
      kind: 'worker',
      host: 'pod-7',
    })
    const told = { application: 'shop', version: '2.3.0', kind: 'worker', host: 'pod-7' }
    expect(await instances.list()).toMatchObject([
      { instance: 'a', ...told, uses: ['users.id', 'sales.orders.note'], state: 'live' },
    ])
  })

  const REFUSED: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a column that does not exist',
      'users.nick',
      'instance_refused',
      /users\.nick does not exist: run the migration/,
    ],
    ['a table that does not exist', 'people.name', 'instance_refused', /people\.name does not exist/],
    ['a dropped column', 'users.gone', 'instance_refused', /users\.gone does not exist/],
    ['a system column', 'users.ctid', 'instance_refused', /users\.ctid does not exist/],
    ['no table', 'name', 'name_invalid', /"name" is not table\.column/],
    ['too many parts', 'a.b.c.d', 'name_invalid', /is not table\.column/],
  ]

  test.for(REFUSED)('is refused for %s, and leaves no trace', async ([, use, code, message]) => {
    const { database, instances } = await registry()
    await database.query('alter table users add column gone text; alter table users drop column gone')
    await expect(instances.register({ instance: 'a', uses: ['users.name', use] })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(await instances.list()).toEqual([])
  })

  test('without a name for its sessions vouches for none that has no name either', async () => {
    const { database, instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.id'], applicationName: '' })
    await database.session('')
    expect(
      await database.query(`select application, instance from bellows.strangers('public', 'users', 'name')`),
    ).toContainEqual({ application: '', instance: null })
  })

  test('takes names with dots and capitals in quotes', async () => {
    const { database, instances } = await registry()
    await database.query('create table "My.Table" ("Full Name" text)')
    await instances.register({ instance: 'a', uses: ['"My.Table"."Full Name"'] })
    expect(
      await instances.needing({ namespace: 'public', name: 'My.Table' }, 'Full Name', { graceMs: 0 }),
    ).toHaveLength(1)
  })

  test('tells of a column that is being filled, and refuses one that is closed or retired', async () => {
    const { database, instances } = await registry()
    const state = (name: string) =>
      database.query(
        `insert into bellows.column_state values ('public', 'users', 'name', $1, null)
         on conflict (namespace, "table", "column") do update set state = excluded.state`,
        [name],
      )
    await state('not_ready')
    expect((await instances.register({ instance: 'a', uses: ['users.name'] })).notReady).toEqual([
      'users.name',
    ])
    for (const closed of ['closed', 'retired']) {
      await state(closed)
      await expect(instances.register({ instance: 'b', uses: ['users.name'] }), closed).rejects.toMatchObject(
        {
          code: 'instance_refused',
        },
      )
    }
  })
})

describe('renewing', () => {
  test('brings a silent instance back to life', async () => {
    const { database, instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.name'], leaseMs: 1_000 })
    await silentFor(database, '1 hour')
    expect(await instances.list()).toMatchObject([{ state: 'silent' }])
    await instances.renew('a')
    expect(await instances.list()).toMatchObject([{ state: 'live', uses: ['users.name'] }])
  })

  test('may change what is used, and what is not allowed changes nothing', async () => {
    const { instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.name'] })
    await instances.renew('a', ['users.id'], 'fine')
    expect(await instances.list()).toMatchObject([{ uses: ['users.id'] }])
    await expect(instances.renew('a', ['users.nick'])).rejects.toMatchObject({ code: 'instance_refused' })
    expect(await instances.list()).toMatchObject([{ uses: ['users.id'] }])
  })

  test('goes on beside the door of what is on no table', async () => {
    const { database, instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.*'] })
    await database.query(
      `insert into bellows.column_state values ('', 'the function "f"()', '', 'retired'), ('', 'the type t', '', 'not_ready')`,
    )
    expect((await instances.renew('a')).notReady).toEqual([])
  })

  test('is refused for one that is not registered, or was released', async () => {
    const { instances } = await registry()
    await expect(instances.renew('nobody')).rejects.toMatchObject({
      code: 'instance_unknown',
      message: expect.stringContaining('"nobody"'),
    })
    await instances.register({ instance: 'a', uses: [] })
    await instances.release('a')
    await expect(instances.renew('a')).rejects.toMatchObject({ code: 'instance_unknown' })
  })
})

describe('releasing', () => {
  test('may be done twice, and for one that never was', async () => {
    const { instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.name'] })
    for (const instance of ['a', 'a', 'nobody']) await instances.release(instance)
    expect(await instances.list()).toMatchObject([{ instance: 'a', state: 'released' }])
    expect(await instances.needing({ namespace: 'public', name: 'users' }, 'name', { graceMs: 0 })).toEqual(
      [],
    )
  })
})

describe('who needs a column', () => {
  test('a live instance does, whatever its grace', async () => {
    const { instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.name'], applicationName: 'shop/a' })
    expect(await instances.needing({ namespace: 'public', name: 'users' }, 'name', { graceMs: 0 })).toEqual([
      {
        instance: 'a',
        state: 'live',
        blocks: true,
        application: null,
        version: null,
        host: null,
        role: 'postgres',
        address: null,
        pid: null,
        firstSeen: expect.stringMatching(/^20\d\d-/),
        lastSeen: expect.stringMatching(/^20\d\d-/),
      },
    ])
  })

  test('a silent one does until its grace is over and no session of it is left', async () => {
    const { database, instances } = await registry()
    const needing = async (graceMs: number) =>
      (await instances.needing({ namespace: 'public', name: 'users' }, 'name', { graceMs })).map(
        (one) => one.blocks,
      )
    // Sessions are looked for on the whole server, where others test, too.
    const applicationName = `shop/${database.name}`
    await instances.register({ instance: 'a', uses: ['users.name'], applicationName })
    await silentFor(database, '1 hour')
    expect(await needing(7_200_000), 'within its grace').toEqual([true])
    expect(await needing(60_000), 'after its grace').toEqual([false])
    const session = await database.session(applicationName)
    expect(await needing(60_000), 'while a session of it is there').toEqual([true])
    await session.end()
    await expect.poll(() => needing(60_000)).toEqual([false])
  })

  test('a silent one whose sessions cannot be told apart does until it is released', async () => {
    const { database, instances } = await registry()
    await instances.register({ instance: 'a', uses: ['users.name'] })
    await silentFor(database, '1 hour')
    expect(
      await instances.needing({ namespace: 'public', name: 'users' }, 'name', { graceMs: 0 }),
    ).toMatchObject([{ instance: 'a', state: 'silent', blocks: true }])
  })
})

describe('rights', () => {
  test('any role may say that it is there; none may write the registry or the journal by hand', async () => {
    const { database } = await registry()
    const role = `role_${database.name.slice(-12)}`
    await database.query(`create role ${role} login`)
    const session = await database.session('app')
    await session.query(`set role ${role}`)
    await session.query(`select bellows.register('a', array['users.name'])`)
    await session.query(`select bellows.renew('a')`)
    await session.query(`select bellows.release('a')`)
    const forbidden = [
      `insert into bellows.instance (instance, lease_ms) values ('b', 1000)`,
      `delete from bellows.event`,
      `select bellows.record(1, 1, '{}')`,
      `select bellows.set_uses('a', array['users.name'])`,
      `select bellows.require_nobody('public', 'users', 'name', '{}')`,
    ]
    for (const statement of forbidden)
      await expect(session.query(statement), statement).rejects.toThrow('permission denied')
  })
})
