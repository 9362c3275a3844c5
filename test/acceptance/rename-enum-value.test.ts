import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { RenameEnumValue } from '../../src/core/operations/rename-enum-value.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'
import { removeValue } from '../support/remove-value.ts'
import { startWorkload, workSome } from '../support/workload.ts'

const GIVEN = `create type mood as enum ('ok', 'so so'); create type other as enum ('x');
  create table users (id int primary key, mood mood not null); insert into users values (1, 'ok')`
const LATER: Operation = { kind: 'drop_object', namespace: 'public', object: 'type other' }
const rename = (more: Partial<RenameEnumValue> = {}): RenameEnumValue => ({
  kind: 'rename_enum_value',
  namespace: 'public',
  type: 'mood',
  from: 'ok',
  to: `it's fine`,
  unsafe: 'the application sends numbers',
  ...more,
})

/** Names a value by its place, but for one that keeps its name. */
const client = (name: string, first: string) => ({
  name,
  statements: [
    `insert into users (id, mood) values (1000 + $1, ${first})`,
    `insert into users (id, mood) values (1000 + $1, 'so so')`,
    `update users set mood = ${first} where id = 1 + $1 % 200`,
    `select count(*) from users where mood = ${first}`,
  ],
})

describe('rename_enum_value', () => {
  test('lets everybody go on who does not name the value, and the new version name the new one, under traffic', async () => {
    const tables = (value: string, more: string) => `create type mood as enum (${value}, 'so so');
      create table users (id int primary key, mood mood not null default ${value}${more}); create index on users (id) where mood = ${value}`
    const place = 'enum_first(null::mood)'
    await liveThrough({
      given: `${tables(`'ok'`, ', legacy text')}; insert into users (id, mood) select i, case when i % 2 = 0 then 'ok'::mood else 'so so' end from generate_series(1, 300) i`,
      operations: [
        rename(),
        // With a gate, so that there is a time in which the run can be taken back.
        { kind: 'drop_column', namespace: 'public', table: 'users', column: 'legacy' },
      ],
      direct: tables(`'it''s fine'`, ''),
      old: [client('old', place)],
      renewed: [client('new', `'it''s fine'`)],
      kept: [`select id, mood = ${place} as first from users order by id`],
      untouched: [
        {
          // Behind an undo it has the new name as well.
          before: `select id, mood = ${place} as first from users where id between 202 and 300 order by id`,
          after: `select id, mood = 'it''s fine' as first from users where id between 202 and 300 order by id`,
        },
      ],
    })
  })

  test('renames for a reason, and back', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows()
    const read = () => database.query('select mood::text from users')
    await bellows.change((driver) =>
      driver.advance({ name: '0001_test', operations: [rename(), LATER] }, 'expand'),
    )
    expect(await read()).toEqual([{ mood: `it's fine` }])
    expect(await bellows.audit()).toMatchObject([
      { because: [expect.stringContaining('The reason given: the application sends numbers')] },
    ])
    await bellows.change((driver) => driver.rollback(1))
    expect(await read()).toEqual([{ mood: 'ok' }])
  })

  test('leaves the value that somebody else has renamed', async () => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows()
    const migration = { name: '0001_test', operations: [rename(), LATER] }
    await bellows.change((driver) => driver.plan(migration))
    await database.query(`create function meddle() returns trigger language plpgsql as
      $$ begin alter type public.mood rename value 'ok' to 'it''s fine'; return new; end $$`)
    await database.query(
      'create trigger meddle after insert on bellows.run for each row execute function meddle()',
    )
    await expect(bellows.change((driver) => driver.advance(migration, 'expand'))).rejects.toMatchObject({
      code: 'drift_found',
    })
    await bellows.change((driver) => driver.rollback(1))
    expect(await database.query('select mood::text from users')).toEqual([{ mood: `it's fine` }])
  })

  test('is refused without a reason, and where the names do not fit', async () => {
    const database = await testDatabase(`${GIVEN}; alter table users alter mood set default 'ok'`)
    const bellows = await database.bellows()
    const { unsafe: _unsafe, ...without } = rename()
    const planned = (one: RenameEnumValue) => bellows.plan({ name: '0001_test', operations: [one] })
    await expect(planned(without)).rejects.toThrow(`whoever writes 'ok' fails`)
    await expect(planned(rename({ from: 'bad' }))).rejects.toThrow(`"mood" has no value 'bad'.`)
    await expect(planned(rename({ to: 'so so' }))).rejects.toThrow('already')
    const copy: Operation = {
      kind: 'rename_column',
      namespace: 'public',
      table: 'users',
      from: 'mood',
      to: 'm',
    }
    for (const operations of [
      [rename(), copy],
      [copy, rename()],
    ])
      await expect(bellows.plan({ name: '0001_test', operations })).rejects.toThrow(
        `The default of users.mood names the value 'ok'`,
      )
  })
})

/** One version of an application that writes a name, and reads both. */
const version = (name: string, says: string) => ({
  name,
  statements: [
    `insert into users (mood) values ('${says}')`,
    'insert into users (seen) values (1)',
    `update users set mood = '${says}' where id = 1 + $1 % 200`,
    'update users set seen = seen + 1 where id = 1 + $1 % 300',
    `select id, mood from users where mood::text in ('ok', 'fine') order by mood limit 10`,
  ],
})

describe('a value whose name instances say', () => {
  test('is renamed by adding the new name and removing the old one, and no version fails', async () => {
    const database = await testDatabase(`create type mood as enum ('sad', 'ok', 'great');
      create table users (id int generated always as identity primary key, seen int not null default 0, mood mood not null default 'ok');
      create index users_mood on users (mood);
      insert into users (mood) select (enum_range(null::mood))[1 + i % 3] from generate_series(1, 300) i`)
    const bellows = await database.bellows({
      settings: {
        gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
      },
    })
    const advance = (name: string, until: Phase, ...operations: readonly Operation[]) =>
      bellows.change((driver) => driver.advance({ name, operations }, until))
    const moods = () =>
      database.query<{ id: number; mood: string }>(
        'select id, mood::text from users where id between 201 and 300 order by id',
      )
    const add: Operation = {
      kind: 'add_enum_value',
      namespace: 'public',
      type: 'mood',
      value: 'fine',
      after: 'ok',
    }
    await expect(bellows.plan({ name: '0001_both', operations: [add, removeValue()] })).rejects.toThrow()
    const before = await moods()

    const old = await startWorkload(database, [version('old', 'ok')])
    await workSome(old)
    expect(await advance('0001_fine', 'purge', add)).toMatchObject({ state: 'completed' })
    const users = { namespace: 'public', table: 'users' }
    await advance('0002_default', 'purge', {
      kind: 'alter_column',
      ...users,
      column: 'mood',
      default: "'fine'",
    })
    await workSome(old)
    for (const phase of ['expand', 'verify'] as const) {
      await advance('0003_no_ok', phase, removeValue())
      await workSome(old)
    }
    const renewed = await startWorkload(database, [version('renewed', 'fine')])
    await workSome(renewed)
    await workSome(old)
    expect(
      await database.query(`select mood::text from users where id > 300 group by mood order by users.mood`),
      'each reads what the other one writes',
    ).toEqual([{ mood: 'ok' }, { mood: 'fine' }])
    expect(await moods()).toEqual(before)
    expect(await old.stop()).toEqual([])
    expect(await advance('0003_no_ok', 'purge', removeValue())).toMatchObject({ state: 'completed' })
    await workSome(renewed)
    expect(await renewed.stop()).toEqual([])

    expect(await moods()).toEqual(before.map((row) => (row.mood === 'ok' ? { ...row, mood: 'fine' } : row)))
    expect(await database.query('select enum_range(null::mood)::text as range')).toEqual([
      { range: '{sad,fine,great}' },
    ])
    expect(await database.query(`select from users where mood::text = 'ok'`), 'asked as text').toEqual([])
    await expect(database.query(`select from users where mood = 'ok'`)).rejects.toThrow('invalid input value')
  })
})
