import { describe, expect, test } from 'vitest'
import { columnUse, isTypeOf } from '../../src/core/statement-use.ts'

const USERS = { namespace: 'public', name: 'users' }

/** Texts as `pg_stat_statements` keeps them, and what they do with users.name. */
const CASES: readonly (readonly ['definite' | 'possible' | 'none', string])[] = [
  ['definite', 'select id, name from users where id = $1'],
  ['definite', 'SELECT u.name FROM users u WHERE u.id = $1'],
  ['definite', 'select "users"."name" from "public"."users"'],
  ['definite', 'select public.users.name from public.users'],
  ['definite', 'select count(*) from users where name like $1'],
  ['definite', 'select id from users order by name limit $1'],
  ['definite', 'select o.id from orders o join users u on u.id = o.user_id where u.name = $1'],
  ['definite', 'select o.id from orders o join users u using (name)'],
  ['definite', 'insert into users (id, name) values ($1, $2)'],
  ['definite', 'insert into users (id, full_name) values ($1, $2) on conflict (name) do nothing'],
  [
    'definite',
    'insert into users (id, full_name) values ($1, $2) on conflict (id) do update set name = excluded.full_name',
  ],
  [
    'definite',
    'insert into users (id, full_name) values ($1, $2) on conflict (id) do update set full_name = excluded.name',
  ],
  ['definite', 'insert into users (id, full_name) values ($1, $2) returning name'],
  ['definite', 'update users set name = $1 where id = $2'],
  ['definite', 'update users set full_name = $1 where name = $2'],
  ['definite', 'delete from users where name = $1'],
  ['definite', 'copy users (id, name) from stdin'],
  ['definite', 'merge into users u using s on u.id = s.id when matched then update set name = s.x'],
  [
    'definite',
    'merge into users using s on users.id = s.id when matched then delete when not matched then insert (id, name) values (s.id, s.x)',
  ],
  ['possible', 'merge into users u using s on u.id = s.id when not matched then insert values (s.id, s.x)'],
  ['none', 'merge into users u using s on u.id = s.id when not matched then insert (full_name) values (s.x)'],
  ['none', 'merge into teams t using users u on u.id = t.id when matched then update set name = u.full_name'],
  ['possible', 'select b from users as u (a, b)'],
  ['possible', 'with w as (select name from users) select * from w'],
  ['definite', 'select extract($2 from created), name from users'],
  ['definite', 'select name from users where created > date $1 - interval $2'],
  ['possible', 'select * from users where id = $1'],
  ['possible', 'select u.* from users u'],
  ['possible', 'select u from users u'],
  ['possible', 'select row_to_json(u) from users u'],
  ['possible', 'insert into users values ($1, $2)'],
  ['possible', 'insert into users (id, full_name) values ($1, $2) returning *'],
  ['possible', 'copy users to stdout'],
  ['possible', 'select id from users natural join orders'],
  ['possible', 'select name from users join teams on teams.id = users.team'],
  ['possible', 'select id, full_name from users where this is cut sho'],
  ['possible', 'SELECT ID FROM USERS WHERE THIS IS CUT SHO'],
  ['possible', "do $$ begin update users set name = 'x'; end $$"],
  ['possible', "DO 'begin execute ''UPDATE Users SET Name = 1''; end'"],
  ['definite', 'merge into users u using n on u.id = n.id when matched then update set name = n.label'],
  [
    'definite',
    'merge into users using n on users.id = n.id when not matched then insert (id, name) values ($1, $2)',
  ],
  ['possible', 'merge into users using n on users.id = n.id when not matched then insert values ($1, $2)'],
  ['possible', 'select b from users u (a, b)'],
  ['possible', 'SELECT ID FROM USERS WHERE THIS IS CUT SHO'],
  ['none', 'merge into users u using n on u.id = n.id when matched then update set full_name = n.label'],
  [
    'none',
    'merge into teams t using users u on u.team = t.id when matched then update set name = u.full_name',
  ],
  ['none', "do $$ begin update users set full_name = 'x'; end $$"],
  ['none', "do $$ begin update teams set name = 'x'; end $$"],
  ['none', 'select id, full_name from users where id = $1'],
  ['none', 'select count(*) from users'],
  ['none', 'select full_name as name from users'],
  ['none', 'insert into users (id, full_name) values ($1, $2)'],
  ['none', 'update users set full_name = $1'],
  ['none', 'select t.name from users u join teams t on t.id = u.team'],
  ['none', 'select name from teams'],
  ['none', 'select name from archive.users'],
  ['none', 'select t.* from users u join teams t on t.id = u.team'],
  ['none', 'insert into teams (name) select full_name from users'],
  ['none', 'update teams set name = u.full_name from users u where u.team = teams.id'],
  ['none', 'this is no SQL'],
  ['none', 'begin'],
]

describe('a statement', () => {
  test.for(CASES)('uses the column for certain, perhaps or not: %s %s', ([use, text]) => {
    expect(columnUse(text, USERS, 'name')).toBe(use)
  })

  test('is looked at for the table in its own namespace', () => {
    const archived = { namespace: 'archive', name: 'users' }
    expect(columnUse('select name from archive.users', archived, 'name')).toBe('definite')
    expect(columnUse('select name from public.users', archived, 'name')).toBe('none')
  })

  test('may carry names that must be quoted', () => {
    const odd = { namespace: 'public', name: 'Order Items' }
    expect(columnUse('select "the Name" from "Order Items"', odd, 'the Name')).toBe('definite')
    expect(
      columnUse(`do 'begin delete from "Order Items" where "the Name" is null; end'`, odd, 'the Name'),
    ).toBe('possible')
  })
})

const OF_TABLE: readonly (readonly [ReturnType<typeof columnUse>, string])[] = [
  ['definite', 'select count(*) from users'],
  ['definite', 'select 1 from public.users u'],
  ['definite', 'insert into users default values'],
  ['definite', 'delete from users'],
  ['definite', 'truncate teams, users'],
  ['definite', 'lock table users in share mode'],
  ['definite', 'copy users to stdout'],
  ['definite', 'analyze users'],
  ['definite', "select (null::users).name, '(1)'::public.users"],
  ['definite', 'merge into teams t using users u on u.team = t.id when matched then delete'],
  ['possible', 'do $$ begin delete from users; end $$'],
  ['possible', 'select from users where name in ($1, '],
  ['none', 'select * from archive.users'],
  ['none', 'select users from teams'],
  ['none', 'do $$ begin delete from teams; end $$'],
]

describe('a statement, asked for a whole table,', () => {
  test.for(OF_TABLE)('uses it for certain, perhaps or not: %s %s', ([use, text]) => {
    expect(columnUse(text, USERS)).toBe(use)
  })
})

describe('a variable of PL/pgSQL', () => {
  test.for([
    [true, 'users'],
    [true, 'public.users'],
    [true, 'users%rowtype'],
    [true, 'Public."users"%ROWTYPE'],
    [true, 'users.name%TYPE'],
    [true, 'users[]'],
    [false, 'archive.users%rowtype'],
    [false, '"Users"'],
    [false, 'text'],
  ] as const)('has the type of the rows of a table, or not: %s %s', ([is, type]) => {
    expect(isTypeOf(type, USERS)).toBe(is)
  })
})
