import { describe, expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { DropTable } from '../../src/core/operations/drop-table.ts'
import { catalog } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

const drop = (table = 'orders', namespace = 'public'): DropTable => ({ kind: 'drop_table', namespace, table })
const migration = { name: '0001_test', operations: [drop()] }

const USERS = `create table users (id bigint primary key, name text);
  insert into users select i, 'user ' || i from generate_series(1, 100) i;`
const ORDERS = `create table orders (id bigint generated always as identity primary key, number serial, parent bigint references orders,
    user_id bigint references users on delete cascade, note text default 'x' check (note <> ''));
  create index on orders (user_id);
  create function loud() returns trigger language plpgsql as 'begin new.note := upper(new.note); return new; end';
  create trigger loud before insert on orders for each row execute function loud();
  alter table orders enable row level security; create policy all_of_them on orders using (true);
  comment on table orders is 'bought'; grant select on orders to public;
  insert into orders (user_id, note) select i, 'n' from generate_series(1, 100) i;`
const LOUD = `create function loud() returns trigger language plpgsql as 'begin new.note := upper(new.note); return new; end';`

const OPEN: SettingsChange = { gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0 } }
const workload = {
  name: 'users',
  statements: [
    `update users set name = 'new' where id = 1 + $1 % 100`,
    `delete from users where id = 1000 + $1`,
  ],
}

describe('drop_table', () => {
  test('hides the table and then drops it, beside a workload of the table that it pointed at', async () => {
    await liveThrough({
      given: USERS + ORDERS,
      operations: [drop()],
      direct: USERS + LOUD,
      old: [workload, { name: 'old', statements: [`insert into orders (user_id) values (1 + $1 % 100)`] }],
      renewed: [workload],
    })
  })

  test('takes names that must be quoted', async () => {
    await liveThrough({
      given: `create schema "My Shop"; create table "My Shop"."Order" ("Id" int primary key); ${USERS}`,
      operations: [drop('Order', 'My Shop')],
      direct: `create schema "My Shop"; ${USERS}`,
      old: [{ name: 'old', statements: [`insert into "My Shop"."Order" values ($1)`] }],
      renewed: [workload],
    })
  })

  test('brings the table back with its rows as long as it is only hidden', async () => {
    const database = await testDatabase(USERS + ORDERS)
    const bellows = await database.bellows({ settings: { ...OPEN, graceMs: 3_600_000 } })
    const start = await catalog(database)
    await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
      code: 'gate_closed',
    })
    await expect(database.query('select from orders')).rejects.toThrow('relation "orders" does not exist')
    await expect(bellows.instances.register({ instance: 'late', uses: ['orders.id'] })).rejects.toThrow(
      /being retired/,
    )

    await database.query('create table orders (other int)')
    await expect(bellows.change((driver) => driver.undo(1))).rejects.toMatchObject({ code: 'drift_found' })
    await database.query('drop table orders')
    await bellows.change((driver) => driver.undo(1))

    expect(await catalog(database)).toEqual(start)
    expect(await database.query('select count(*)::int as rows from orders')).toEqual([{ rows: 100 }])
    await database.query(`insert into orders (user_id) values (1)`)
    await bellows.instances.register({ instance: 'again', uses: ['orders.id'] })
  })

  test.for(['orders.note', 'orders.*'])('waits for an instance that uses %s', async (use) => {
    const database = await testDatabase(USERS + ORDERS)
    const bellows = await database.bellows({ settings: OPEN })
    await bellows.instances.register({ instance: 'old-1', uses: [use] })
    await bellows.instances.register({ instance: 'new-1', uses: ['users.*'] })
    await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
      code: 'instances_blocking',
      message: 'The contract waits: the instance "old-1" uses "orders".',
    })
    await bellows.instances.release('old-1')
    expect((await bellows.change((driver) => driver.advance(migration, 'purge'))).state).toBe('completed')
  })

  test('is refused while a foreign key of another table points at it, unless the same migration takes that away', async () => {
    const given = `create table teams (id int primary key); create table members (id int primary key, team int references teams, note text);
      insert into teams values (1); insert into members values (1, 1)`
    const database = await testDatabase(given)
    const bellows = await database.bellows({ settings: OPEN })
    const column = { kind: 'drop_column', namespace: 'public', table: 'members', column: 'team' } as const
    for (const operations of [[drop('teams')], [drop('teams'), column]])
      await expect(bellows.plan({ name: '0001_test', operations })).rejects.toMatchObject({
        code: 'plan_refused',
        message: 'The foreign key members_team_fkey of "members" points at "teams".',
        hint: expect.stringContaining('alter table "public"."members" drop constraint "members_team_fkey"'),
      })
    await liveThrough({
      given,
      operations: [column, drop('teams')],
      direct: 'create table members (id int primary key, note text)',
      old: [
        {
          name: 'old',
          statements: ['insert into teams values (1 + $1)', 'insert into members values ($1, 1)'],
        },
      ],
      renewed: [{ name: 'new', statements: [`insert into members values ($1)`] }],
    })
  })

  test('waits for a generated column that is computed by the type of its rows, on each version', async () => {
    const database = await testDatabase(`create table orders (id int, note text);
      create table others (id int, note text generated always as ((row(1, 'x')::orders).note) stored)`)
    const bellows = await database.bellows({ settings: OPEN })
    await expect(bellows.change((driver) => driver.advance(migration, 'purge'))).rejects.toMatchObject({
      code: 'dependents_found',
      message: expect.stringContaining('others.note'),
    })
    await database.query('select note from others')
    await database.query('alter table others drop column note')
    expect((await bellows.change((driver) => driver.advance(migration, 'purge'))).state).toBe('completed')
  })

  test('goes after another one that points at it, in one migration', async () => {
    await liveThrough({
      given: `create table "My Teams" (id int primary key); create table members (id int primary key, team int constraint "of Team" references "My Teams");
        insert into "My Teams" values (1); insert into members values (1, 1)`,
      operations: [drop('members'), drop('My Teams')],
      direct: '',
      old: [{ name: 'old', statements: ['insert into members values (1 + $1, 1)'] }],
      renewed: [],
    })
  })
})
