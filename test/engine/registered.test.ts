import { describe, expect, test } from 'vitest'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { testDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

const SHOP = `create table users (id int primary key, name text default 'x');
  create table orders (id int primary key);
  create table log (id int, note text default 'none') partition by range (id);
  create table log_1 partition of log for values from (0) to (10);
  create table log_2 partition of log for values from (10) to (20);
  create function area(a int) returns int language sql as 'select a * a';
  create table teams (id int); create view loud as select -id as id from teams;
  create table beasts (id int); create table cats () inherits (beasts);`

const on = { namespace: 'public', table: 'users' } as const
const DEFAULT: Operation = { kind: 'alter_column', ...on, column: 'name', default: null }
const NOTE = rename({ table: 'log', from: 'note', to: 'text' })
const NO_NOTE: Operation = { ...DEFAULT, table: 'log', column: 'note' }
const PEOPLE: Operation = { kind: 'rename_table', ...on, to: 'people' }
const object = (name: string): Operation => ({ kind: 'drop_object', namespace: 'public', object: name })
const NOBODY = 'no instance was ever registered that uses anything of the table'

async function begun(operation: Operation) {
  const database = await testDatabase(SHOP)
  const overrides = [{ check: 'inventory', reason: 'a test' }] as const
  const bellows = await database.bellows({
    settings: { gate: { unregistered: 'allow', quietMs: 0, version: 'v2', overrides } },
  })
  const migration = { name: '0001_test', operations: [operation] }
  await bellows.change((driver) => driver.advance(migration, 'verify'))
  return { database, bellows, contract: () => bellows.change((driver) => driver.advance(migration, 'purge')) }
}

async function leases(bellows: Bellows): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs()
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find(({ check }) => check === 'leases')
}

describe('that an instance was registered', () => {
  test.for<[string, Operation, readonly string[]]>([
    ['of another table says nothing of a column', rename(), ['orders.*']],
    ['of nothing says nothing of a column', rename(), []],
    ['of another table says nothing of a table', { kind: 'drop_table', ...on }, ['orders.*', 'log.*']],
    ['of another table says nothing of what is on one', DEFAULT, ['orders.id']],
  ])('%s', async ([, operation, uses]) => {
    const { bellows, contract } = await begun(operation)
    await bellows.instances.register({ instance: 'web-1', uses, version: 'v2' })
    expect(await leases(bellows)).toMatchObject({
      state: 'unknown',
      because: [expect.stringContaining(NOBODY)],
    })
    await expect(contract()).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringContaining(NOBODY),
      hint: expect.stringContaining('--allow-no-instances'),
    })
  })

  test.for<[string, Operation, readonly string[]]>([
    ['of the new column tells', rename(), ['users.full_name']],
    ['of any column tells', rename(), ['users.id']],
    ['of the table tells of what is on it', DEFAULT, ['users.*']],
    ['of the name that its table gets tells', PEOPLE, ['people.id']],
    ['of a partition tells of the table', NOTE, ['log_1.id']],
    ['of the table tells of it', NOTE, ['log.text']],
    ['of anything tells of a function', object('function area(int)'), ['orders.id']],
    ['of anything tells of a view', object('view loud'), []],
  ])('%s', async ([, operation, uses]) => {
    const { bellows, contract } = await begun(operation)
    await bellows.instances.register({ instance: 'web-1', uses, version: 'v2' })
    await bellows.instances.release('web-1')
    expect(await leases(bellows)).toMatchObject({ state: 'green' })
    expect((await contract()).state).toBe('completed')
  })

  test('of a partition is found while somebody has that locked', async () => {
    const { database, bellows } = await begun(NO_NOTE)
    await bellows.instances.register({ instance: 'web-1', uses: ['log_1.id'], version: 'v2' })
    await database.query(`alter database ${database.name} set lock_timeout = '1s'`)
    const late = await database.bellows({ settings: { gate: { version: 'v2' } } })
    const session = await database.session()
    await session.query('begin; lock log_1')
    expect(await leases(late)).toMatchObject({ state: 'green' })
    await session.query('rollback')
  })

  test('of what inherits from a table tells of that, as it does of who needs it', async () => {
    const { bellows } = await begun({
      kind: 'sql',
      namespace: 'public',
      phase: 'contract',
      up: 'drop table beasts cascade',
      unsafe: 'a test',
    })
    await bellows.instances.register({ instance: 'web-1', uses: ['cats.id'] })
    await bellows.instances.release('web-1')
    expect(await leases(bellows)).toMatchObject({ state: 'green' })
  })

  test('counts where its id went to somebody who uses something else', async () => {
    const { bellows } = await begun(rename())
    await bellows.instances.register({ instance: 'web-1', uses: ['users.name'] })
    await bellows.instances.register({ instance: 'web-1', uses: ['orders.id'] })
    expect(await leases(bellows)).toMatchObject({ state: 'green' })
  })
})
