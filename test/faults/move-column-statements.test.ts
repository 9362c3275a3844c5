import { describe, expect, test } from 'vitest'
import { moving } from './moving.ts'

const STATEMENTS: readonly (readonly [string, string, readonly string[]])[] = [
  ['an old write', `update users set bio = 'x' where id = 1`, ['1: x / x', '2: b / b', '3: - / none']],
  [
    'an old write of NULL',
    'update users set bio = null where id = 1',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  [
    'a new write of every row',
    `insert into profiles select user_id, likes, 'x' from profiles on conflict (user_id) do update set bio = excluded.bio`,
    ['1: x / x', '2: x / x', '3: - / none'],
  ],
  [
    'a new write of NULL',
    'insert into profiles (user_id, bio) values (1, null) on conflict (user_id) do update set bio = excluded.bio',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  [
    'a new write of NULL that says so',
    'insert into profiles (user_id) values (1) on conflict (user_id) do update set bio = null',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  [
    'an INSERT that becomes an UPDATE of something else',
    'insert into profiles (user_id) values (1) on conflict (user_id) do update set likes = 5',
    ['1: a / a', '2: b / b', '3: - / none'],
  ],
  [
    'a plain UPDATE that changes nothing',
    `update profiles set bio = 'a' where user_id = 1`,
    ['1: a / a', '2: b / b', '3: - / none'],
  ],
  [
    'a plain UPDATE behind an INSERT of the same transaction',
    `begin; insert into profiles (user_id) values (1) on conflict do nothing; update profiles set bio = 'x' where user_id = 1; commit`,
    ['1: x / x', '2: b / b', '3: - / none'],
  ],
  [
    'two rows that one statement inserts where none was',
    `insert into users (id, bio) values (5, 'e'); insert into profiles (user_id, bio) values (5, 'x'), (3, 'y')`,
    ['1: a / a', '2: b / b', '3: y / y', '5: x / x'],
  ],
  [
    'a plain UPDATE of something else',
    'update profiles set likes = 7',
    ['1: a / a', '2: b / b', '3: - / none'],
  ],
  [
    'a new row without a value',
    `update users set bio = 'c' where id = 3; insert into profiles values (3)`,
    ['1: a / a', '2: b / b', '3: c / c'],
  ],
  [
    'a new row with a value',
    `insert into profiles (user_id, bio) values (3, 'x')`,
    ['1: a / a', '2: b / b', '3: x / x'],
  ],
  [
    'an INSERT that changes nothing',
    `insert into profiles (user_id, bio) values (1, 'x') on conflict do nothing`,
    ['1: a / a', '2: b / b', '3: - / none'],
  ],
  [
    'an INSERT that becomes an UPDATE',
    `insert into profiles (user_id, bio) values (1, 'x') on conflict (user_id) do update set bio = excluded.bio`,
    ['1: x / x', '2: b / b', '3: - / none'],
  ],
  [
    'both rows in one statement, the source first',
    `with one as (insert into users (id, bio) values (4, 'x') returning id) insert into profiles (user_id) select id from one`,
    ['1: a / a', '2: b / b', '3: - / none', '4: x / x'],
  ],
  [
    'both rows in one statement, the target first, old',
    `with one as (insert into profiles (user_id) values (4) returning user_id) insert into users (id, bio) select user_id, 'x' from one`,
    ['1: a / a', '2: b / b', '3: - / none', '4: x / x'],
  ],
  [
    'both rows in one statement, the target first, new',
    `with one as (insert into profiles (user_id, bio) values (4, 'x') returning user_id) insert into users (id) select user_id from one`,
    ['1: a / a', '2: b / b', '3: - / none', '4: x / x'],
  ],
  [
    'another key of the source, in cascade',
    'update users set id = 9 where id = 1',
    ['2: b / b', '3: - / none', '9: a / a'],
  ],
  [
    'a row that changes its owner',
    `update users set bio = 'c' where id = 3; update profiles set user_id = 3 where user_id = 1`,
    ['1: a / none', '2: b / b', '3: c / c'],
  ],
  [
    'a row that is deleted, and comes back',
    `delete from profiles where user_id = 1; insert into profiles values (1)`,
    ['1: a / a', '2: b / b', '3: - / none'],
  ],
  ['an owner that is deleted', 'delete from users where id = 1', ['2: b / b', '3: - / none']],
  [
    'a loader that switches triggers off',
    `set session_replication_role = replica; update users set bio = 'x' where id = 1; reset session_replication_role`,
    ['1: x / x', '2: b / b', '3: - / none'],
  ],
  [
    'an UPDATE of everything, through the old shape',
    `update users set bio = upper(coalesce(bio, 'c'))`,
    ['1: A / A', '2: B / B', '3: C / none'],
  ],
]

describe('what a statement does to the one table it does to the other', () => {
  test.for(STATEMENTS)('%s', async ([, statement, expected]) => {
    const { database, both } = await moving('verify')
    await database.query(statement)
    expect(await both()).toEqual(expected)
  })

  test('also before the rows are filled', async () => {
    const { database, both } = await moving('expand')
    await database.query(
      `update profiles set likes = 1 where user_id = 1; insert into profiles (user_id, bio) values (2, 'x') on conflict (user_id) do update set bio = excluded.bio`,
    )
    expect(await both()).toEqual(['1: a / a', '2: x / x', '3: - / none'])
  })
})

describe('a plain UPDATE that changes the new column', () => {
  test.for<[string, string]>([
    ['of one row', `update profiles set bio = 'x' where user_id = 1`],
    ['to NULL', 'update profiles set bio = null'],
    [
      'behind an INSERT that was taken back',
      `begin; savepoint a; insert into profiles (user_id) values (1) on conflict do nothing; rollback to a; update profiles set bio = 'x' where user_id = 1`,
    ],
    [
      'behind an INSERT of another row',
      `begin; insert into profiles (user_id) values (2) on conflict do nothing; update profiles set bio = 'x' where user_id = 1`,
    ],
  ])('is refused always, and not only when somebody is in its way: %s', async ([, statement]) => {
    const { database, both } = await moving('verify')
    const session = await database.session('new')
    await expect(session.query(statement)).rejects.toMatchObject({
      code: '55000',
      message: 'a plain UPDATE cannot change "bio" of "profiles" as long as "users"."bio" is there',
      hint: 'Write it with INSERT ... ON CONFLICT ("user_id") DO UPDATE, which locks the row of "users" first.',
    })
    await session.query('rollback')
    expect(await both()).toEqual(['1: a / a', '2: b / b', '3: - / none'])
  })
})
