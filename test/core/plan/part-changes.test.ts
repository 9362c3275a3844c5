import { describe, expect, test } from 'vitest'
import { partChanges } from '../../../src/core/plan/part-changes.ts'
import { trusted } from '../../../src/core/sql.ts'

describe('how often partitions are gone through', () => {
  test.each([
    ['alter table events add column a int', 1],
    ['alter table events drop constraint a, drop constraint b, drop column c restrict', 3],
    ['alter table notes add constraint a foreign key (b) references events (c) not valid', 4],
    ['alter table only events add constraint a unique (b)', 1],
    ['alter table events rename column a to b', 1],
    ['alter table events rename constraint a to b', 1],
    ['alter table events rename to happenings', 0],
    ['create trigger t before insert on events for each row execute function f()', 1],
    ['drop trigger if exists t on events', 1],
    ['drop index events_a_idx restrict', 1],
    ['drop function f()', 0],
    ['comment on table events is null', 0],
    [`do 'begin execute format(''alter table events rename constraint %I to a'', b); end'`, 1],
    [`do 'begin execute format(''grant execute on function f() to %I'', b); end'`, 0],
    ['delete from bellows.column_state', 0],
    [
      'alter table a add column b int; create trigger t before insert on a for each row execute function f()',
      2,
    ],
    ['what nobody can read', 1],
  ])('%s', (statement, changes) => {
    const sum = (...statements: readonly string[]) =>
      partChanges(statements.map(trusted)).reduce((all, one) => all + one.changes, 0)
    expect(sum(statement)).toBe(changes)
    expect(sum(statement, statement)).toBe(2 * changes)
  })

  test.each([
    ['alter table "public"."events" add column a int', { table: '"public"."events"', changes: 1 }],
    ['alter table events add column a int', { changes: 1 }],
    ['alter table only "p"."a""b" drop column a', { table: '"p"."a""b"', changes: 1, only: true }],
    ['alter table "p"."a" drop constraint b', { table: '"p"."a"', changes: 1, isKey: true }],
    ['drop trigger t on events', { changes: 1 }],
    ['drop table "p"."a"', { table: '"p"."a"', changes: 1 }],
    [
      `do 'begin alter table "p"."a" drop constraint b; alter table "p"."a" add c int; end'`,
      { table: '"p"."a"', changes: 1, isKey: true },
    ],
  ])('and of which table: %s', (statement, change) => {
    expect(partChanges([trusted(statement)])).toEqual([change])
  })
})
