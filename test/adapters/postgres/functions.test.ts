import { describe, expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { rename } from '../../support/rename.ts'

const MIGRATION = { name: '0001_test', operations: [rename()] } as const
const GIVEN = `create table users (id int primary key, name text not null);
  create table teams (id int primary key, name text);`

const FUNCTIONS: readonly (readonly [isDependent: boolean, what: string, definition: string])[] = [
  [true, 'SQL that reads it', `returns text language sql as 'select NAME from users limit 1'`],
  [true, 'SQL that writes it', `returns void language sql as 'update users set name = $$x$$'`],
  [
    true,
    'PL/pgSQL that reads it within a condition',
    `returns void language plpgsql as $$ begin
      if exists (select from users where name is null) then raise exception 'no'; end if; end $$`,
  ],
  [
    true,
    'PL/pgSQL that reads it by a cursor',
    'returns void language plpgsql as $$ declare c cursor for select name from users; begin open c; end $$',
  ],
  [
    true,
    'PL/pgSQL that returns rows of it',
    'returns setof text language plpgsql as $$ begin return query select u.name from users u; end $$',
  ],
  [
    false,
    'PL/pgSQL that names it in a comment, and the same column of another table',
    `returns void language plpgsql as $$ begin
      -- users.name was here
      perform full_name from users; perform name from teams; end $$`,
  ],
  [
    false,
    'SQL of another table',
    `returns text language sql as 'select t.name from teams t join users u on u.id = t.id limit 1'`,
  ],
  [
    false,
    'a statement that is put together when it runs',
    `returns void language plpgsql as $$ begin execute 'select name from users'; end $$`,
  ],
]

describe('a function', () => {
  test.for(FUNCTIONS)('is a dependent, %s: %s', async ([isDependent, , definition]) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows({ settings: { gate: { whenNoneRegistered: 'allow' } } })
    await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    await database.query(`create function f() ${definition}`)
    const contract = bellows.change((driver) => driver.advance(MIGRATION, 'purge'))
    if (isDependent)
      await expect(contract).rejects.toMatchObject({
        code: 'dependents_found',
        message: expect.stringContaining('the function public.f() depends on "users"."name"'),
      })
    else expect((await contract).state).toBe('completed')
  })

  test('that names a partition is a dependent of the column of its table, and so is a job of pg_cron', async () => {
    const database = await testDatabase(
      `create table users (id int, name text, other text) partition by range (id); create table low partition of users for values from (0) to (10);
       create table "High 1" partition of users for values from (10) to (20); create table "日本" partition of users for values from (30) to (40);
       create function c() returns text language sql as 'select name from 日本 limit 1'; create table users_3 partition of users for values from (20) to (30);
       create table "The ""Old"" 1" partition of users for values from (40) to (50); create table "High 2" partition of users for values from (50) to (60);
       create function d() returns text language sql as 'select name from "High 1" limit 1';
       create function h() returns text language sql as 'select name from "The ""Old"" 1" limit 1';
       create function e() returns text language sql as 'select name from USERS_3 limit 1';
       create function f() returns text language sql as 'select name from low limit 1';
       create function g() returns text language sql as 'select other from low limit 1';
       create schema cron; create table cron.job (jobid int, command text, database text default current_database());
       insert into cron.job values (1, 'delete from low where other is null'), (2, 'delete from low where name is null')`,
    )
    const bellows = await database.bellows()
    const run = await bellows.change((driver) => driver.advance(MIGRATION, 'verify'))
    const [report] = await bellows.gates(run)
    expect(report?.checks.find(({ check }) => check === 'dependents')?.because).toEqual([
      'the function public.c() depends on "users"."name"',
      'the function public.d() depends on "users"."name"',
      'the function public.e() depends on "users"."name"',
      'the function public.f() depends on "users"."name"',
      'the function public.h() depends on "users"."name"',
      'the job of pg_cron number 2 depends on "users"."name"',
    ])
  })

  test('that surely uses the column is told by the plan once, and one that may do so as well', async () => {
    const database = await testDatabase(
      GIVEN,
      `create function sure() returns text language sql as 'select name from users limit 1';
       create function perhaps() returns void language plpgsql as $$ begin execute 'select name from users'; end $$`,
    )
    const bellows = await database.bellows()
    const hazards = (await bellows.plan(MIGRATION)).steps.flatMap((step) => step.hazards)
    expect(hazards.filter(({ because }) => because.includes('function'))).toEqual([
      { code: 'blocks_contract', because: expect.stringContaining('The function public.sure() uses "name"') },
      { code: 'may_break', because: 'The function public.perhaps() may use "name" in its text.' },
    ])
  })
})
