import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import {
  clearColumnState,
  closeDoorSql,
  openDoorSql,
  setColumnState,
} from '../../../src/core/plan/column-state.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { aRole } from '../../support/role.ts'

const IN_EVENTS = { namespace: 'public', table: 'events' } as const
const EVENTS = { namespace: 'public', name: 'events' }
const GIVEN = `create schema "Old Days";
  create table events (id bigint, at date, name text, title text) partition by range (at);
  create table "Old Days"."Events of 2020" (name text, title text, at date, id bigint);
  alter table events attach partition "Old Days"."Events of 2020" for values from ('2020-01-01') to ('2021-01-01');
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by hash (id);
  create table events_2021_a partition of events_2021 for values with (modulus 1, remainder 0);
  create table aside (like events)`

async function registry(): Promise<{
  database: TestDatabase
  instances: Awaited<ReturnType<TestDatabase['bellows']>>['instances']
  needing: (column: string | undefined, table?: string) => Promise<readonly string[]>
}> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows()
  await bellows.install()
  const { instances } = bellows
  return {
    database,
    instances,
    needing: async (column, table = 'events') =>
      (await instances.needing({ ...EVENTS, name: table }, column, { graceMs: 60_000 })).map(
        ({ instance }) => instance,
      ),
  }
}

describe('an instance that names a partition', () => {
  test('needs the column of its table, on whatever level it is', async () => {
    const { instances, needing } = await registry()
    await instances.register({ instance: 'leaf', uses: ['events_2021_a.name'] })
    await instances.register({ instance: 'old', uses: ['"Old Days"."Events of 2020".*'] })
    await instances.register({ instance: 'other', uses: ['events_2021.id', 'aside.name'] })
    expect(await needing('name')).toEqual(['leaf', 'old'])
    expect(await needing('name', 'events_2021')).toEqual(['leaf'])
    expect(await needing(undefined)).toEqual(['leaf', 'old', 'other'])
    expect(await needing('.'), 'not the name of the table alone').toEqual([])
  })

  test('needs it since that is attached, and no longer when that is detached', async () => {
    const { database, instances, needing } = await registry()
    await instances.register({ instance: 'a', uses: ['aside.name'] })
    expect(await needing('name')).toEqual([])
    await database.query(
      `alter table events attach partition aside for values from ('2030-01-01') to ('2031-01-01')`,
    )
    expect(await needing('name')).toEqual(['a'])
    await database.query('alter table events detach partition aside')
    expect(await needing('name')).toEqual([])
  })

  test('is no reason to keep a partition for whoever names the table, but of what is on that', async () => {
    const { instances, needing } = await registry()
    await instances.register({ instance: 'all', uses: ['events.*'] })
    expect(await needing(undefined, 'events_2021_a')).toEqual([])
    expect(await needing('*', 'events_2021_a')).toEqual(['all'])
  })

  test('is found while somebody has a partition locked', async () => {
    const { database, instances, needing } = await registry()
    await instances.register({ instance: 'leaf', uses: ['events_2021_a.name'] })
    const session = await database.session()
    await session.query('begin; lock events_2021_a')
    await database.query(`alter database ${database.name} set lock_timeout = '1s'`)
    const late = await database.bellows()
    const found = await late.instances.needing(EVENTS, 'name', { graceMs: 0 })
    expect(found.map(({ instance }) => instance)).toEqual(['leaf'])
    expect(await needing('name')).toEqual(['leaf'])
    await session.query('rollback')
  })

  test('is refused while the door of the column is closed, and of that alone', async () => {
    const { database, instances } = await registry()
    const registering = (...uses: string[]) => instances.register({ instance: 'late', uses })
    await database.query(closeDoorSql(EVENTS, 'name', 60_000))
    for (const use of ['events_2021.name', 'events_2021_a.name', 'events_2021_a.*'])
      await expect(registering(use), use).rejects.toMatchObject({
        code: 'instance_refused',
        message: expect.stringMatching(/events_2021.* is being retired: this instance is too old/),
      })
    await registering('events_2021_a.title', 'aside.name')
    await database.query(openDoorSql(EVENTS, 'name'))
    await registering('events_2021_a.name')
  })

  test('is refused a column that is closed for writers, and told of one that is not ready or retired', async () => {
    const { database, instances } = await registry()
    const registering = () => instances.register({ instance: 'a', uses: ['events_2021_a.title'] })
    await database.query(setColumnState(EVENTS, 'title', 'closed'))
    await expect(registering()).rejects.toThrow(/events_2021_a\.title cannot be written until/)
    await database.query(setColumnState(EVENTS, 'title', 'not_ready'))
    expect((await registering()).notReady).toEqual(['events_2021_a.title'])
    expect((await instances.renew('a')).notReady).toEqual(['events_2021_a.title'])
    await database.query(setColumnState(EVENTS, 'title', 'retired'))
    await expect(instances.renew('a')).rejects.toThrow(
      'events_2021_a.title is retired: this instance must stop',
    )
    await expect(registering()).rejects.toMatchObject({ code: 'instance_refused' })
    await database.query(clearColumnState(EVENTS, 'title'))
    expect((await instances.renew('a')).notReady).toEqual([])
  })

  test('goes on where the table is given another name, which it does not say', async () => {
    const { database, instances } = await registry()
    await instances.register({ instance: 'a', uses: ['events_2021_a.name'] })
    await database.query(setColumnState(EVENTS, undefined, 'retired'))
    await instances.renew('a')
    await instances.register({ instance: 'b', uses: ['events_2021_a.name'] })
  })
})

describe('a role that has a right on a partition', () => {
  const may = async (database: TestDatabase, role: string, column: string, table = 'events') => {
    const [row] = await database.query(`select bellows.may_use($1::regrole, $2::regclass, $3) as may`, [
      role,
      table,
      column,
    ])
    return row?.may
  }

  test('may use the column of the table, and no other one, and the table', async () => {
    const { database } = await registry()
    const role = await aRole(database)
    await database.query(`grant select (name), update (id) on events_2021_a to ${role}`)
    const columns = ['name', 'id', 'title', '', '*', '.'] as const
    const found = await Promise.all(columns.map(async (one) => [one, await may(database, role, one)]))
    expect(Object.fromEntries(found)).toEqual({
      name: true,
      id: true,
      title: false,
      '': true,
      '*': true,
      '.': false,
    })
  })

  test('or on its table alone, may use what is on the partition', async () => {
    const { database } = await registry()
    const role = await aRole(database)
    await database.query(`grant select on events to ${role}`)
    expect(await may(database, role, '*', 'events_2021_a')).toBe(true)
    expect(await may(database, role, '', 'events_2021_a')).toBe(false)
    expect(await may(database, role, 'name', 'aside')).toBe(false)
  })
})

describe('a look at a gate', () => {
  test.for<readonly [string, Operation, lock?: string]>([
    ['a column', { ...IN_EVENTS, kind: 'drop_column', column: 'name' }],
    [
      'an index',
      { ...IN_EVENTS, kind: 'drop_index', index: 'by_title' },
      'reindex index events_2021_a_title_idx',
    ],
    ['a default', { ...IN_EVENTS, kind: 'alter_column', column: 'title', default: null }],
    [
      'a table with a serial',
      { namespace: 'public', table: 'readings', kind: 'drop_table' },
      'lock readings_1',
    ],
  ])(
    'does not wait for whoever has a partition locked: %s',
    async ([, operation, lock = 'lock events_2021_a']) => {
      const database = await testDatabase(
        GIVEN,
        `create index by_title on events (title); alter table events alter title set default 'none'`,
        `create table readings (id serial) partition by range (id); create table readings_1 partition of readings for values from (1) to (9)`,
      )
      const migration = { name: '0001_test', operations: [operation] }
      const bellows = await database.bellows()
      const run = await bellows.change((driver) => driver.advance(migration, 'verify'))
      const session = await database.session()
      await session.query(`begin; ${lock}`)
      await database.query(`alter database ${database.name} set lock_timeout = '1s'`)
      const late = await database.bellows()
      const [report] = await late.gates(run)
      expect(report?.checks.find(({ check }) => check === 'dependents')?.state).toBe('green')
      expect(JSON.stringify(report), 'a server that was waited for in vain').not.toContain('lock timeout')
      await session.query('rollback')
    },
  )
})
