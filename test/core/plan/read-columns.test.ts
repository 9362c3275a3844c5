import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { readColumnProblems } from '../../../src/core/plan/read-columns.ts'
import { column, factsWithTypes, schemaOf, table, told } from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const drop: Operation = { kind: 'drop_column', ...on, column: 'name' }
const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
const make = (definition: string): Operation => ({ kind: 'create_object', namespace: 'public', definition })
const replace = (definition: string): Operation => ({
  kind: 'replace_object',
  namespace: 'public',
  definition,
})

const schema = schemaOf(
  table({ columns: [column('id', 'integer'), column('name'), column('full_name')] }),
  table({ name: 'teams', columns: [column('id', 'bigint'), column('name')] }),
)
const problems = (...operations: readonly Operation[]) =>
  told(
    readColumnProblems(
      { name: 'm', operations },
      schema,
      factsWithTypes({ integer: 'integer', bigint: 'bigint' }),
    ),
  ).map(([, message]) => message)
const refusal = (what: string) =>
  `The ${what} names "name" of "users", which another operation of the migration takes away: the contract would wait for it.`

const retype = (type: string): Operation => ({ kind: 'change_type', ...on, column: 'id', type })

describe('what is made in a migration that takes a column away', () => {
  test.each<[string, Operation, string]>([
    ['a view', make('create view v as select id, name from users'), 'view public.v'],
    ['a view by a star', make('create view v as select * from users'), 'view public.v'],
    [
      'a view of several tables',
      make('create view v as select t.name, u.name as other from users u join teams t on t.id = u.id'),
      'view public.v',
    ],
    [
      'a view made anew',
      replace('create or replace view v as select name from public.users'),
      'view public.v',
    ],
    [
      'a trigger that fires for it',
      make('create trigger t before update of name on users for each row execute function f()'),
      'trigger t on public.users',
    ],
    [
      'a trigger that asks for it',
      make(`create trigger t before insert on users for each row when (new.name <> '') execute function f()`),
      'trigger t on public.users',
    ],
    ['a policy', make(`create policy p on users using (name <> '')`), 'policy p on public.users'],
  ])('does not name it: %s', (_what, op, called) => {
    for (const other of [drop, rename]) {
      expect(problems(other, op)).toEqual([refusal(called)])
      expect(problems(op, other)).toEqual([refusal(called)])
    }
  })

  test.each<[string, string]>([
    ['what is there in the end', 'create view v as select id, full_name as name from users'],
    [
      'a column of another table',
      'create view v as select u.id, t.name from users u join teams t on t.id = u.id',
    ],
    ['what may be of another table', 'create view v as select name from users u join teams t on t.id = u.id'],
    ['what a subquery makes', 'create view v as select name from (select full_name as name from users) u'],
    ['what a WITH makes', 'create view v as with users as (select 1 as name) select users.name from users'],
    ['the rows', 'create view v as select count(*) from users'],
    [
      'another column that a trigger fires for',
      'create trigger t before update of full_name on users for each row execute function f()',
    ],
    ['nothing of it in a policy', 'create policy p on users using (id > 0)'],
    [
      'what only a function says',
      `create function f() returns text language sql as 'select name from users'`,
    ],
  ])('may name %s', (_what, definition) => {
    expect(problems(rename, make(definition))).toEqual([])
  })

  test('does not name a column that is copied into another type, but may where nothing is copied', () => {
    const view = make('create view v as select id from users')
    expect(problems(retype('bigint'), view)).toHaveLength(1)
    expect(problems(retype('integer'), view)).toEqual([])
  })
})
