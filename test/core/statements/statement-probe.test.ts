import { describe, expect, test } from 'vitest'
import { all } from '../../../src/core/plan/probes.ts'
import { readStatements } from '../../../src/core/statements/statement.ts'
import { doneProbes } from '../../../src/core/statements/statement-probe.ts'
import { testDatabase } from '../../support/database.ts'

const probeOf = (text: string) => {
  const statements = readStatements(text)
  if ('problem' in statements) throw new Error(`${text}: ${statements.problem}`)
  const probes = doneProbes(statements, 'public')
  return probes === undefined ? undefined : all(probes)
}

const GIVEN = `create table t (c int, "D" int); alter table t add constraint nv check (c > 0) not valid;
  alter table t add constraint k check (c > 1); create function f() returns trigger language plpgsql as 'begin return new; end';
  create trigger g before insert on t for each row execute function f(); create policy p on t; create view v as select 1;
  create type e as enum ('a'); create index i on t (c); create domain d as int; create sequence s; create schema n`

/** On a database where the thing is there already, and where it is not. */
const CASES: readonly (readonly [string, boolean])[] = [
  ['create table t ()', true],
  ['create table u ()', false],
  ['create table t (); create table u ()', false],
  ['create view v as select 1', true],
  ['create sequence s', true],
  ['create index i on t (c)', true],
  ['create index concurrently j on t (c)', false],
  [`create type e as enum ()`, true],
  [`create type public.x as enum ()`, false],
  ['create domain d as int', true],
  ['create type x as ()', false],
  ['create trigger g before insert on t execute function f()', true],
  ['create trigger h before insert on t execute function f()', false],
  ['create policy p on t', true],
  ['create policy q on t', false],
  ['create schema n', true],
  ['create schema m', false],
  ['create extension no_such_extension', false],
  ['create extension plpgsql', true],
  ['alter table t add c int', true],
  ['alter table t add d int', false],
  ['alter table t add "D" int, add c int', true],
  ['alter table t drop c', false],
  ['alter table t drop d', true],
  ['alter table t add constraint nv check (c > 0)', true],
  ['alter table t drop constraint nv', false],
  ['alter table t validate constraint nv', false],
  ['alter table t validate constraint k', true],
  ['drop table t', false],
  ['drop table u', true],
  ['drop view v', false],
  ['drop index concurrently i', false],
  ['drop type e', false],
  ['drop domain x', true],
  ['drop trigger g on t', false],
  ['drop trigger h on t', true],
  ['drop policy p on t', false],
  ['drop schema n', false],
  ['drop extension plpgsql', false],
]

describe('the probe that the form of a statement gives', () => {
  test('tells whether it is done', async () => {
    const database = await testDatabase(GIVEN)
    const session = await database.session()
    await session.query(`set search_path = ''`)
    for (const [text, done] of CASES) {
      const { rows } = await session.query(`select (${probeOf(text)}) as holds`)
      expect(rows, text).toEqual([{ holds: done }])
    }
  })

  test.each([
    'create or replace view v as select 1',
    'create or replace function f() returns int language sql return 1',
    'create function f() returns int language sql return 1',
    'alter table t alter c set default 1',
    'alter table t add check (c > 1)',
    'create index on t (c)',
    'grant select on t to public',
    'insert into t values (1)',
    'create table t (); insert into t values (1)',
    'drop function f()',
  ])('does not exist for %s', (text) => {
    expect(probeOf(text)).toBeUndefined()
  })
})
