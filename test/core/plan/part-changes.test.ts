import { describe, expect, test } from 'vitest'
import { partChanges } from '../../../src/core/plan/part-changes.ts'
import { trusted } from '../../../src/core/sql.ts'

describe('how often partitions are gone through', () => {
  test.each([
    ['alter table events add column a int', 1],
    ['alter table events drop constraint a, drop constraint b, drop column c restrict', 3],
    ['alter table notes add constraint a foreign key (b) references events (c) not valid', 4],
    ['alter table only events add constraint a unique (b)', 0],
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
    expect(partChanges([trusted(statement)])).toBe(changes)
    expect(partChanges([trusted(statement), trusted(statement)])).toBe(2 * changes)
  })
})
