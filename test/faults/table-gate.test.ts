import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { GateCheck } from '../../src/core/gate/check.ts'
import type { DropTable } from '../../src/core/operations/drop-table.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import { cleanUp, type TestDatabase, testDatabase } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { aRole } from '../support/role.ts'
import { STATEMENTS, watched } from '../support/watched-pair.ts'

const GIVEN =
  'create table teams (id int primary key); create table orders (id int primary key, number serial, note text)'
const drop: DropTable = { kind: 'drop_table', namespace: 'public', table: 'orders' }
const MIGRATION = { name: '0001_test', operations: [drop] }
const SETTINGS = { driver: { pollMs: 20 }, gate: { transactionsMs: 100 } } satisfies SettingsChange

const contract = (bellows: Bellows) => bellows.change((driver) => driver.advance(MIGRATION, 'purge'))

async function begun(
  settings: SettingsChange = SETTINGS,
): Promise<{ database: TestDatabase; bellows: Bellows }> {
  const database = await testDatabase(GIVEN)
  const bellows = await database.bellows({ settings })
  await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
  await bellows.instances.register({ instance: 'new-1', uses: ['teams.id'], applicationName: 'shop/new-1' })
  await bellows.instances.register({ instance: 'old-0', uses: ['orders.*'], applicationName: 'shop/old-0' })
  await bellows.instances.release('old-0')
  return { database, bellows }
}

async function check(bellows: Bellows, name: GateCheck['check']): Promise<GateCheck | undefined> {
  const [run] = await bellows.runs('open')
  const [report] = run === undefined ? [] : await bellows.gates(run)
  return report?.checks.find((one) => one.check === name)
}

describe('the gate of a table', () => {
  test('sees a session of a role that may only delete from it, and none that may do nothing', async () => {
    const { database, bellows } = await begun()
    const role = await aRole(database)
    await database.session('somebody', role)
    const others = async () =>
      ((await check(bellows, 'sessions'))?.offenders ?? []).filter((one) => one.role === role)
    expect(await others()).toEqual([])
    await database.query(`grant delete on orders to ${role}`)
    expect(await others()).toMatchObject([{ application: 'somebody' }])
  })

  test('waits for a transaction that has used it', async () => {
    const { database, bellows } = await begun()
    const client = await database.session('shop/new-1')
    await client.query('begin; select from orders')
    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'gate_closed',
      message: expect.stringMatching(/in a transaction since .* and has used the table of "orders"/),
    })
    expect(await database.query('select from orders')).toEqual([])
  })

  test.for([
    ['view', 'create view loud as select upper(note) from orders', 'view public.loud'],
    [
      'materialized view',
      'create materialized view loud as select 1 from orders',
      'materialized view public.loud',
    ],
    [
      'foreign key',
      'create table lines (of_order int references orders)',
      'foreign key lines_of_order_fkey on public.lines',
    ],
    ['column of its row type', 'create table archive (entry orders)', 'table column public.archive.entry'],
    [
      'argument of its row type',
      `create function f(orders) returns int language sql as 'select 1'`,
      'function public.f(public.orders)',
    ],
    [
      'default from its sequence',
      `create table lines (number int default nextval('orders_number_seq'))`,
      'default public.lines.number',
    ],
    [
      'policy of another table',
      'create policy p on teams using (id in (select id from orders))',
      'policy p on public.teams',
    ],
    ['publication', 'create publication told for table orders', 'publication told'],
    [
      'statement in a function',
      `create function f() returns void language plpgsql as 'begin delete from orders; end'`,
      'function public.f()',
    ],
    [
      'variable in a function',
      `create function f() returns void language plpgsql as 'declare o orders%rowtype; begin null; end'`,
      'function public.f()',
    ],
    [
      'function of SQL that PostgreSQL keeps no record of',
      `create function f() returns bigint language sql as 'select count(*) from orders'`,
      'function public.f()',
    ],
  ] as const)('stays closed for a %s', async ([, made, said]) => {
    const { database, bellows } = await begun()
    await database.query(made)
    const found = await check(bellows, 'dependents')
    expect(found?.because).toEqual([`the ${said} depends on "orders"`])
  })

  test('does not mind what belongs to the table itself', async () => {
    const { database, bellows } = await begun()
    await database.query(`create index on orders (note); alter table orders add check (note <> ''), add foreign key (number) references teams,
        add unique (number), add parent int references orders (number), add loud text generated always as (upper(note)) stored;
      create policy p on orders using (note is not null); create statistics s on id, number from orders;
      create function tell() returns trigger language plpgsql as 'begin return new; end';
      create trigger t before insert on orders for each row execute function tell();
      create rule r as on delete to orders do also select 1; create table other (id int)`)
    expect((await check(bellows, 'dependents'))?.because).toEqual(['nothing depends on "orders"'])
  })

  test('stops the transaction that hides the table when somebody came back in front of it', async () => {
    const { database } = await begun()
    let isBack = false
    const { bellows } = faultyBellows(
      database.url,
      {
        before: async ({ kind, what }) => {
          if (kind !== 'transact' || !what.includes('/retire/') || isBack) return
          isBack = true
          await database.query(
            `delete from bellows.column_state; select bellows.register('old-1', '{orders.note}');
            insert into bellows.column_state values ('public', 'orders', '', 'retiring', clock_timestamp() + '1 min', clock_timestamp())`,
          )
        },
      },
      { settings: { ...SETTINGS, gate: { ...SETTINGS.gate, quietMs: 0, unregistered: 'allow' } } },
    )
    cleanUp(() => bellows.close())
    await expect(contract(bellows)).rejects.toMatchObject({
      code: 'instances_blocking',
      message: expect.stringContaining('The table orders is needed by old-1'),
    })
    expect(await database.query('select from orders')).toEqual([])
  })

  test('sees a statement that names the table, and none that does not', async () => {
    const all = await watched(STATEMENTS, { settings: { gate: { quietMs: 1_000 } } })
    const client = await all.session('primary')
    await client.query('create table orders (id int)')
    await all.bellows.instances.register({ instance: 'old-0', uses: ['orders.id'] })
    await all.bellows.instances.release('old-0')
    const run = await all.bellows.change((driver) =>
      driver.advance({ ...MIGRATION, name: '0002_test' }, 'verify'),
    )
    const usage = async () => (await all.bellows.gates(run))[0]?.checks.find((one) => one.check === 'usage')
    await expect.poll(async () => (await usage())?.state, { interval: 300, timeout: 20_000 }).toBe('green')
    await client.query('select count(*) from users')
    expect((await usage())?.state).toBe('green')
    await client.query('select count(*) from orders')
    expect(await usage()).toMatchObject({
      state: 'red',
      because: [expect.stringContaining('select count(*) from orders')],
    })
  })
})
