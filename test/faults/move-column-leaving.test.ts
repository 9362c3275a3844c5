import { describe, expect, test } from 'vitest'
import { answerOf, begun } from './begun.ts'
import { moving } from './moving.ts'

const HOMELESS = `update users set bio = 'c' where id = 3`

describe('a value that has nowhere to go', () => {
  test('stops the migration before anything is changed, with the row', async () => {
    await expect(moving('expand', HOMELESS)).rejects.toThrow(
      'Rows of "users" have a "bio" and no row in "profiles" that could take it; nothing was changed. Such as: {"id":3,"bio":"c"}',
    )
  })

  test('stops the verification when it came meanwhile', async () => {
    const { database, advance, both } = await moving('backfill')
    await database.query(HOMELESS)
    await expect(advance('verify')).rejects.toThrow('{"id":3,"bio":"c"}')
    await database.query('insert into profiles values (3)')
    await advance('verify')
    expect(await both()).toContain('3: c / c')
  })

  test.for<[string, string]>([
    ['a row that was written', HOMELESS],
    ['a row that was deleted', 'delete from profiles where user_id = 2'],
    ['a table that was emptied', 'truncate profiles'],
  ])('stops the purge when it came last, and can be brought back or given up: %s', async ([, statement]) => {
    const { database, advance, both, undo } = await moving('verify')
    await database.query(statement)
    const before = await both()
    await expect(advance('purge')).rejects.toThrow('nothing was dropped. Such as')
    await undo()
    expect(await both()).toEqual(before)
    await database.query('insert into profiles select id from users on conflict do nothing')
    await advance('purge')
    expect(await database.query(`select from profiles where user_id = 1 and bio = 'a'`)).toHaveLength(1)
  })

  test('is none when it is the default, that nobody gave', async () => {
    const { database, advance } = await moving(
      'verify',
      `update users set bio = '' where id = 3`,
      `text not null default ''`,
    )
    await database.query('insert into users (id) values (4); insert into profiles values (4)')
    await advance('purge')
    expect(await database.query(`select user_id, bio from profiles order by 1`)).toEqual([
      { user_id: 1, bio: 'a' },
      { user_id: 2, bio: 'b' },
      { user_id: 4, bio: '' },
    ])
    await database.query('insert into users (id) values (5); insert into profiles (user_id) values (5)')
    await expect(database.query('update profiles set bio = null')).rejects.toThrow('null value')
  })
})

const AFTERWARDS: readonly (readonly [string, string, readonly string[]])[] = [
  ['a write', `update profiles set bio = 'x' where user_id = 1`, ['1: x / x', '2: b / b', '3: - / none']],
  [
    'a write of NULL',
    'update profiles set bio = null where user_id = 1',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  ['a new row', `insert into profiles (user_id, bio) values (3, 'x')`, ['1: a / a', '2: b / b', '3: x / x']],
  [
    'a row that is deleted',
    'delete from profiles where user_id = 1',
    ['1: - / none', '2: b / b', '3: - / none'],
  ],
  [
    'a row that is deleted, and comes back',
    'delete from profiles where user_id = 1; insert into profiles values (1)',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  [
    'a row that changes its owner',
    'update profiles set user_id = 3 where user_id = 1',
    ['1: - / none', '2: b / b', '3: a / a'],
  ],
  [
    'another key of the owner, in cascade',
    'update users set id = 9 where id = 1',
    ['2: b / b', '3: - / none', '9: a / a'],
  ],
  [
    'both rows in one statement, the target first',
    `with one as (insert into profiles (user_id, bio) values (4, 'x') returning user_id) insert into users (id) select user_id from one`,
    ['1: a / a', '2: b / b', '3: - / none', '4: x / x'],
  ],
  ['an owner that is deleted', 'delete from users where id = 1', ['2: b / b', '3: - / none']],
]

describe('what is done to the new column when the old one is hidden', () => {
  test('a row that is deleted took its value along, and one that is cut off with its table did not', async () => {
    const { database, advance } = await moving('retire')
    await database.query('delete from profiles where user_id = 1; truncate profiles')
    await expect(advance('purge')).rejects.toThrow('nothing was dropped. Such as: {"id":2,"bio":"b"}')
    await database.query('insert into profiles (user_id) values (2)')
    await advance('purge')
    expect(await database.query('select user_id, bio from profiles')).toEqual([{ user_id: 2, bio: null }])
  })

  test.for(AFTERWARDS)('is not lost by an undo: %s', async ([, statement, expected]) => {
    const { database, both, undo, rollback } = await moving('retire')
    await database.query(statement)
    await undo()
    expect(await both()).toEqual(expected)
    // And the old column says again what the value is.
    await database.query(`update users set bio = 'z'`)
    expect((await both()).filter((one) => !/: z . (?:z|none)/.test(one))).toEqual([])
    await rollback()
    expect(await database.query(`select from users where bio is distinct from 'z'`)).toEqual([])
  })

  test('waits for nobody who writes the other table, in whatever order', async () => {
    const { database, both, undo } = await moving('retire')
    const [source, target] = [await begun(database, 'source'), await begun(database, 'target')]
    await source.session.query('update users set seen = 1 where id = 1')
    await target.session.query(`update profiles set bio = 'x' where user_id = 1`)
    await target.session.query('update profiles set likes = 1 where user_id = 2')
    await source.session.query('update users set seen = 1 where id = 2')
    await source.commit()
    await target.commit()
    await undo()
    expect(await both()).toEqual(['1: x / x', '2: b / b', '3: - / none'])
  })

  test('is brought back before anybody waits, however much it is', async () => {
    const many = `insert into users (id, bio) select i, 'old' from generate_series(10, 1500) i; insert into profiles select generate_series(10, 1500);`
    const { database, both, undo } = await moving('retire', many)
    // All of it takes longer than a transaction may that everybody waits for.
    await database.query(`create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.002); return new; end $$;
      create trigger slow before update on users for each row execute function slow()`)
    await database.query(`update profiles set bio = 'new ' || user_id`)
    await undo()
    expect((await both()).filter((one) => !/^(\d+): (new \1) \/ \2$/.test(one))).toEqual(['3: - / none'])
  })

  test('is no old write when an undo brings it back', async () => {
    const { database, undo } = await moving(
      'retire',
      `create table log (said int); create function note() returns trigger language plpgsql as $$ begin insert into public.log values (new.id); return null; end $$;
        create constraint trigger late after update on users deferrable initially deferred for each row execute function note()`,
    )
    await database.query(`update profiles set bio = 'x' where user_id = 1`)
    await undo()
    expect(await database.query('select said from log')).toEqual([{ said: 1 }])
    const counted = `select from pg_class where relname ~ '^old_writes_.*_number$' and pg_sequence_last_value(oid) > 0`
    expect(await database.query(counted)).toEqual([])
  })
})

describe('a writer of the target that is under way when the column is hidden', () => {
  test('ends first, and what it wrote is there', async () => {
    const { database, advance, both, undo } = await moving('verify')
    const target = await begun(database, 'target')
    await target.session.query('update profiles set likes = 1 where user_id = 2')
    const retired = advance('retire')
    const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name like 'bellows%'`
    while ((await database.query(waits)).length === 0);
    const put = `insert into profiles (user_id, bio) values (1, 'x') on conflict (user_id) do update set bio = excluded.bio`
    expect(await answerOf(target.session.query(put))).toBe('done')
    await target.commit()
    await retired
    await database.query(`update profiles set bio = 'y' where user_id = 2`)
    await undo()
    expect(await both()).toEqual(['1: x / x', '2: y / y', '3: - / none'])
  })
})

describe('the contract', () => {
  const trigger = (table: string, name: string) =>
    `do $$ begin execute (select format('alter table ${table} disable trigger %I', tgname) from pg_trigger where tgrelid = '${table}'::regclass and tgname ~ 'dual_write' and pg_get_triggerdef(oid) ~ '${name}' limit 1); end $$`

  test.for<[string, string, string]>([
    [
      'a trigger of the source',
      trigger('users', 'AFTER UPDATE'),
      'missing, disabled or not as it was installed',
    ],
    [
      'a trigger of the target',
      trigger('profiles', 'BEFORE'),
      'missing, disabled or not as it was installed',
    ],
    [
      'the foreign key',
      'alter table profiles drop constraint profiles_user_id_fkey',
      'foreign key "profiles_user_id_fkey" of "profiles" is missing',
    ],
    [
      'the unique index',
      'alter table profiles drop constraint profiles_pkey',
      'unique index "profiles_pkey" on "profiles" is missing',
    ],
    [
      'a trigger behind ours',
      `create function f() returns trigger language plpgsql as 'begin return new; end'; create trigger "~z" before update on profiles for each row execute function f()`,
      'fires behind',
    ],
  ])('is refused when something was changed since: %s', async ([, statement, message]) => {
    const { database, advance, both } = await moving('verify')
    await database.query(statement)
    await expect(advance('purge')).rejects.toThrow(message)
    expect(await both()).toEqual(['1: a / a', '2: b / b', '3: - / none'])
  })
})
