import { describe, expect, test } from 'vitest'
import { moving } from './moving.ts'

const STATEMENTS: readonly (readonly [string, string, readonly string[]])[] = [
  ['an old write', `update users set bio = 'x' where id = 1`, ['1: x / x', '2: b / b', '3: - / none']],
  [
    'an old write of NULL',
    'update users set bio = null where id = 1',
    ['1: - / -', '2: b / b', '3: - / none'],
  ],
  ['a new write', `update profiles set bio = 'x'`, ['1: x / x', '2: x / x', '3: - / none']],
  [
    'a new write of NULL',
    'update profiles set bio = null where user_id = 1',
    ['1: - / -', '2: b / b', '3: - / none'],
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
    'a write of both, as the one that comes last says',
    `with one as (update users set bio = 'x' where id = 1) update profiles set bio = 'y' where user_id = 1`,
    ['1: y / y', '2: b / b', '3: - / none'],
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
      `update profiles set likes = 1 where user_id = 1; update profiles set bio = 'x' where user_id = 2`,
    )
    expect(await both()).toEqual(['1: a / a', '2: x / x', '3: - / none'])
  })
})
