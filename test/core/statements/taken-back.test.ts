import { expect, test } from 'vitest'
import { unsafe } from '../../../src/core/statements/lint.ts'
import { readStatements } from '../../../src/core/statements/statement.ts'

const read = (text: string) => {
  const found = readStatements(text)
  return 'problem' in found ? [] : found
}

test.each([
  ['create table a (id int)', 'drop table a', []],
  ['create table a (id int)', 'drop table public.a', []],
  ['create foreign table a (id int) server s', 'drop foreign table a', []],
  ['create table a (id int)', 'alter table a drop column id', []],
  ['alter table users add age int', 'alter table users drop age', []],
  ['create table a (id int)', 'drop table b', ['drops_table']],
  ['create table a (id int)', 'drop table other.a', ['drops_table']],
  ['create table a (id int)', 'drop table a, b', ['drops_table']],
  ['create table if not exists a (id int)', 'drop table a', ['drops_table']],
  ['alter table users add age int', 'drop table users', ['drops_table']],
  ['alter table users add age int', 'alter table users drop name', ['drops_column']],
  ['alter table users add if not exists age int', 'alter table users drop age', ['drops_column']],
  ['alter table users add age int', 'alter table a drop age', ['drops_column']],
  ['create view v as select 1', 'drop view if exists public.v', []],
  ['create materialized view v as select 1', 'drop materialized view v', []],
  ['create sequence s; create type t as enum ()', 'drop sequence s; drop type t', []],
  ['create domain d as int', 'drop type d', []],
  ['create schema "App"; create view "App".v as select 1', 'drop view "App".v; drop schema "App"', []],
  ['create extension citext', 'drop extension citext', []],
  ['create statistics s on a, b from users', 'drop statistics s', []],
  ['create index concurrently i on app.users (id)', 'drop index concurrently app.i', []],
  ['create trigger t before insert on a execute function f()', 'drop trigger t on a', []],
  ["create function f(a int, out b text) language sql as ''", 'drop function f(integer)', []],
  ["create function f(a int) returns int language sql as ''", 'drop function f', []],
  ["create procedure f() language sql as ''", 'drop routine f()', []],
  ['create view v as select 1', 'drop view w', ['drops_unmade']],
  ['create view v as select 1', 'drop view other.v', ['drops_unmade']],
  ['create view v as select 1', 'drop view v, w', ['drops_unmade']],
  ['create view v as select 1', 'drop materialized view v', ['drops_unmade']],
  ['create or replace view v as select 1', 'drop view v', ['drops_unmade']],
  ['create schema if not exists app', 'drop schema app', ['drops_unmade']],
  ["create function f(a int) returns int language sql as ''", 'drop function f(text)', ['drops_unmade']],
  ['create trigger t before insert on a execute function f()', 'drop trigger t on b', ['drops_unmade']],
  ['create index concurrently i on users (id)', 'drop index concurrently j', ['drops_unmade']],
  ['create table a (id int)', 'drop policy p on a', ['drops_unmade']],
])('what %s makes %s may take back, and nothing else without a reason', (up, down, codes) => {
  const setting = {
    statements: read(down),
    takesBack: read(up),
    namespace: 'public',
    part: 'down',
    outside: false,
  } as const
  expect(unsafe(setting).map(({ rule }) => rule.code)).toEqual(codes)
})
