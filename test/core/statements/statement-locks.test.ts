import { describe, expect, test } from 'vitest'
import { readStatements } from '../../../src/core/statements/statement.ts'
import { locksOf } from '../../../src/core/statements/statement-locks.ts'

const locks = (text: string) => {
  const statements = readStatements(text)
  if ('problem' in statements) throw new Error(`${text}: ${statements.problem}`)
  return locksOf(statements, 'app').map(
    ({ relation, level }) => `${relation.namespace}.${relation.name} ${level}`,
  )
}

describe('the locks of a statement', () => {
  test.each<[string, readonly string[]]>([
    ['alter table t add c int', ['app.t access_exclusive']],
    ['alter table a.t alter c set default 1', ['a.t access_exclusive']],
    ['alter table t validate constraint k', ['app.t share_update_exclusive']],
    ['alter table t set (fillfactor = 70)', ['app.t share_update_exclusive']],
    ['alter table t validate constraint k, alter c drop not null', ['app.t access_exclusive']],
    [
      'alter table t add foreign key (c) references o not valid',
      ['app.t share_row_exclusive', 'app.o share_row_exclusive'],
    ],
    ['alter table t add c int references o', ['app.t access_exclusive', 'app.o share_row_exclusive']],
    ['alter table t disable trigger g', ['app.t share_row_exclusive']],
    ['alter table t attach partition p default', ['app.t share_update_exclusive', 'app.p access_exclusive']],
    ['alter table t detach partition p', ['app.t access_exclusive', 'app.p access_exclusive']],
    ['create index on t (c)', ['app.t share']],
    ['create index concurrently i on t (c)', ['app.t share_update_exclusive']],
    ['drop index concurrently i', ['app.i share_update_exclusive']],
    ['drop table t, a.u', ['app.t access_exclusive', 'a.u access_exclusive']],
    ['drop trigger g on a.t', ['a.t access_exclusive']],
    ['drop policy p on t', ['app.t access_exclusive']],
    ['drop function f()', []],
    ['drop type a.e', []],
    ['create trigger g before insert on t for each row execute function f()', ['app.t share_row_exclusive']],
    ['create policy p on t', ['app.t access_exclusive']],
    ['create view v as select * from t', ['app.t access_share']],
    ['create or replace view v as select * from t', ['app.v access_exclusive', 'app.t access_share']],
    [
      'with x as (select * from t) insert into o select * from x',
      ['app.o row_exclusive', 'app.t access_share'],
    ],
    [
      'with x as (delete from t where c = 1 returning *) insert into o select * from x',
      ['app.o row_exclusive', 'app.t row_exclusive'],
    ],
    ['with t as (select 1) update t set c = 1', ['app.t row_exclusive']],
    ['with t as (select * from t) select * from t', ['app.t row_share']],
    ['with recursive t as (select * from t) select * from t', []],
    ['with x as (select * from y), y as (select 1) select * from x, y', ['app.y row_share']],
    ['select * from (with t as (select 1) select * from t) s, t', ['app.t row_share']],
    ['create table n (c int references t)', ['app.t share_row_exclusive']],
    ['create table n partition of p default', ['app.p access_exclusive']],
    ['create table n (); alter table n add c int', []],
    ['comment on table t is $$x$$', ['app.t share_update_exclusive']],
    ['comment on column a.t.c is $$x$$', ['a.t share_update_exclusive']],
    ['comment on type a.e is $$x$$', []],
    ['grant select on t to public', ['app.t access_share']],
    ['create publication p for table t', ['app.t share_update_exclusive']],
    ['create statistics s on a, b from t', ['app.t share_update_exclusive']],
    ['lock table t in share mode', ['app.t share']],
    ['truncate t', ['app.t access_exclusive']],
    ['vacuum full t', ['app.t access_exclusive']],
    ['vacuum t', ['app.t share_update_exclusive']],
    ['reindex table concurrently t', ['app.t share_update_exclusive']],
    ['refresh materialized view concurrently m', ['app.m exclusive']],
    ['alter sequence s restart', ['app.s share_row_exclusive']],
    ['update t set c = 1 where d in (select d from o)', ['app.t row_exclusive', 'app.o access_share']],
  ])('%s', (text, expected) => {
    expect(locks(text)).toEqual(expected)
  })

  test('of a kind that is not known are the strictest', () => {
    expect(locks('create rule r as on insert to t do nothing')).toEqual(['app.t access_exclusive'])
  })

  test('are the strictest of several statements', () => {
    expect(locks('grant select on t to public; create policy p on t')).toEqual(['app.t access_exclusive'])
    expect(locks('create policy p on t; grant select on t to public')).toEqual(['app.t access_exclusive'])
  })
})
