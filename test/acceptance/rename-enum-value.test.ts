import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import type { RenameEnumValue } from '../../src/core/operations/rename-enum-value.ts'
import { testDatabase } from '../support/database.ts'

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

describe('rename_enum_value', () => {
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
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows()
    const { unsafe: _unsafe, ...without } = rename()
    const planned = (one: RenameEnumValue) => bellows.plan({ name: '0001_test', operations: [one] })
    await expect(planned(without)).rejects.toThrow(`whoever writes 'ok' fails`)
    await expect(planned(rename({ from: 'bad' }))).rejects.toThrow(`"mood" has no value 'bad'.`)
    await expect(planned(rename({ to: 'so so' }))).rejects.toThrow('already')
  })
})
