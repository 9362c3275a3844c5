import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { RenameEnumValue } from '../../src/core/operations/rename-enum-value.ts'
import { testDatabase } from '../support/database.ts'
import { liveThrough } from '../support/lifecycle.ts'

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
          before: `select id, mood = 'ok' as first from users where id between 202 and 300 order by id`,
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
