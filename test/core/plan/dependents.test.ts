import { describe, expect, test } from 'vitest'
import { dependentsQuery, hasNoDependents, nothingElseOn } from '../../../src/core/plan/dependents.ts'
import { sql } from '../../../src/core/sql.ts'
import { testDatabase } from '../../support/database.ts'
import { USERS } from '../../support/model.ts'

const GIVEN = `
create table users (id integer primary key, name text, age integer, during int4range);
create table logins (id integer, name text)`

type Found = readonly (readonly [kind: string, name: string])[]

/** What hangs on `name`, each kind once. Everything of the column's own table that travels with a copy is in the second list. */
const FOUND: readonly (readonly [string, string, Found])[] = [
  ['a view', 'create view names as select name from users', [['view', 'public.names']]],
  [
    'a view that only filters by it',
    `create view old as select id from users where name > 'a'`,
    [['view', 'public.old']],
  ],
  [
    'a view on a view, once',
    'create view a as select name from users; create view b as select name from a',
    [['view', 'public.a']],
  ],
  [
    'a view that uses it several times, once',
    `create view a as select name, name as again from users where name > 'x' order by name`,
    [['view', 'public.a']],
  ],
  [
    'a view with an odd name',
    'create view "My ""View" as select name from users',
    [['view', 'public."My ""View"']],
  ],
  [
    'a materialized view',
    'create materialized view names as select name from users',
    [['materialized view', 'public.names']],
  ],
  [
    'a rule',
    'create rule note as on insert to users do also insert into logins values (new.id, new.name)',
    [['rule', 'public.users']],
  ],
  [
    'a foreign key that points at it',
    'alter table users add unique (name); alter table logins add constraint to_user foreign key (name) references users (name)',
    [['foreign key', 'to_user on public.logins']],
  ],
  [
    'a foreign key of its own table that points at it',
    'alter table users add unique (name), add boss text, add constraint to_boss foreign key (boss) references users (name)',
    [['foreign key', 'to_boss on public.users']],
  ],
  [
    'a generated column',
    'alter table users add upper_name text generated always as (upper(name)) stored',
    [['generated column', 'public.users.upper_name']],
  ],
  ['a policy', `create policy own on users using (name = current_user)`, [['policy', 'own on public.users']]],
  [
    'a policy that only checks it',
    `create policy own on users for insert with check (name = current_user)`,
    [['policy', 'own on public.users']],
  ],
  [
    'a trigger for its updates',
    `create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger note before update of name on users for each row execute function f()`,
    [['trigger', 'note on public.users']],
  ],
  [
    'a trigger with a condition on it',
    `create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger note before update on users for each row when (old.name is distinct from new.name) execute function f()`,
    [['trigger', 'note on public.users']],
  ],
  [
    'a function with a body that the server has parsed',
    'create function names() returns setof text begin atomic select name from users; end',
    [['function', 'public.names()']],
  ],
  [
    'a procedure with such a body',
    `create procedure clear() begin atomic update users set name = null; end`,
    [['procedure', 'public.clear()']],
  ],
  [
    'a publication with a column list',
    'create publication changes for table users (id, name)',
    [['publication', 'changes']],
  ],
  [
    'a publication with a condition on it',
    `create publication changes for table users where (name = 'a') with (publish = 'insert')`,
    [['publication', 'changes']],
  ],
  [
    'extended statistics',
    'create statistics names_and_ages on name, age from users',
    [['statistics', 'public.names_and_ages']],
  ],
  [
    'extended statistics on an expression',
    'create statistics lengths on (length(name)), age from users',
    [['statistics', 'public.lengths']],
  ],
  [
    'several at once',
    'create view a as select name from users; create view b as select name from users; create statistics s on name, age from users',
    [
      ['statistics', 'public.s'],
      ['view', 'public.a'],
      ['view', 'public.b'],
    ],
  ],
]

const CARRIED: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a default', `alter table users alter name set default 'x'`],
  ['NOT NULL', 'alter table users alter name set not null'],
  ['an index', 'create index on users (name)'],
  ['an index on an expression', 'create index on users (lower(name))'],
  ['an index with a condition', `create index on users (id) where name > 'a'`],
  ['an index that includes it', 'create index on users (id) include (name)'],
  ['a unique index', 'create unique index on users (name, id)'],
  ['a unique constraint', 'alter table users add unique (name)'],
  ['an exclusion constraint', 'alter table users add exclude (name with =)'],
  ['a check', `alter table users add check (name <> '')`],
  ['a check of two columns', `alter table users add check (name <> '' or age > 3)`],
  [
    'a foreign key',
    'alter table logins add primary key (name); alter table users add foreign key (name) references logins',
  ],
  ['a sequence that it owns', 'create sequence s owned by users.name'],
  ['a comment', `comment on column users.name is 'x'`],
  ['a grant', 'grant select (name) on users to public'],
  ['a statistics target', 'alter table users alter name set statistics 7'],
  ['a view of other columns', 'create view ids as select id from users'],
  ['a view of another table', 'create view names as select name from logins'],
  [
    'a trigger for all updates',
    `create function f() returns trigger language plpgsql as 'begin return new; end';
     create trigger note before update on users for each row execute function f()`,
  ],
  ['a publication of the whole table', 'create publication changes for table users'],
  [
    'a function whose text nobody has parsed',
    `create function names() returns setof text language sql as 'select name from users'`,
  ],
  ['a statistics object of other columns', 'create statistics s on id, age from users'],
]

describe('what hangs on a column', () => {
  test('is found, whatever it is', async () => {
    const { query } = await testDatabase(GIVEN)
    for (const [what, done, expected] of FOUND) {
      await query(`begin; ${done}; set local search_path = ''`)
      const rows = await query<{ kind: string; name: string }>(
        sql`${dependentsQuery(USERS, 'name')} order by kind, name`,
      )
      expect(
        rows.map(({ kind, name }) => [kind, name]),
        what,
      ).toEqual(expected)
      const [row] = await query<{ none: boolean }>(sql`select ${hasNoDependents(USERS, 'name')} as none`)
      expect(row?.none, what).toBe(false)
      await query('rollback')
    }
  })

  test('and travels with a copy of it is not found', async () => {
    const { query } = await testDatabase(GIVEN)
    for (const [what, done] of CARRIED) {
      await query(`begin; ${done}; set local search_path = ''`)
      expect(await query(dependentsQuery(USERS, 'name')), what).toEqual([])
      const [row] = await query<{ none: boolean }>(sql`select ${hasNoDependents(USERS, 'name')} as none`)
      expect(row?.none, what).toBe(true)
      await query('rollback')
    }
  })

  test('is found under another kind of name, too', async () => {
    const { query } = await testDatabase(
      `create schema "My App"; create table "My App"."Us'ers" ("Na me" text); create view v as select "Na me" from "My App"."Us'ers"`,
    )
    const table = { namespace: 'My App', name: "Us'ers" }
    expect(await query(dependentsQuery(table, 'Na me'))).toEqual([{ kind: 'view', name: 'v' }])
    expect(await query(dependentsQuery(table, 'name'))).toEqual([])
  })

  test('of a table or a column that is not there is nothing', async () => {
    const { query } = await testDatabase(GIVEN)
    expect(await query(dependentsQuery({ namespace: 'public', name: 'gone' }, 'name'))).toEqual([])
    expect(await query(dependentsQuery(USERS, 'gone'))).toEqual([])
  })

  test('is not what hung on a dropped column', async () => {
    const { query } = await testDatabase(
      GIVEN,
      'create view v as select age from users; drop view v; alter table users drop age',
    )
    expect(await query(dependentsQuery(USERS, 'age'))).toEqual([])
  })
})

describe('what else is on a column of its own table', () => {
  const ADDED: readonly (readonly [string, string])[] = [
    ['an index', 'create index added on users (name)'],
    ['an index on an expression', 'create index added on users (lower(name))'],
    ['an index with a condition', `create index added on users (id) where name > 'a'`],
    ['an index that includes it', 'create index added on users (id) include (name)'],
    ['a unique constraint', 'alter table users add constraint added unique (name)'],
    ['a check', `alter table users add constraint added check (name <> '')`],
    ['a check that is not validated', `alter table users add constraint added check (name <> '') not valid`],
    [
      'a foreign key',
      'alter table logins add primary key (name); alter table users add constraint added foreign key (name) references logins',
    ],
    [
      'a foreign key to a partitioned table',
      `create table parents (name text primary key) partition by list (name); create table parents_a partition of parents for values in ('a');
        create table parents_rest partition of parents default; alter table users add constraint added foreign key (name) references parents`,
    ],
    ['an exclusion constraint', 'alter table users add constraint added exclude (name with =)'],
  ]

  test('is noticed unless the plan knows its name', async () => {
    const { query } = await testDatabase(GIVEN)
    const nothingElse = async (known: readonly string[]) =>
      (await query<{ is: boolean }>(sql`select ${nothingElseOn(USERS, 'name', known)} as is`))[0]?.is
    expect(await nothingElse([])).toBe(true)
    expect(await nothingElse(['users_pkey'])).toBe(true)
    for (const [what, done] of ADDED) {
      await query(`begin; ${done}; set local search_path = ''`)
      expect(await nothingElse([]), what).toBe(false)
      expect(await nothingElse(['other', "it's"]), what).toBe(false)
      expect(await nothingElse(['other', 'added']), what).toBe(true)
      await query('rollback')
    }
  })

  const ELSEWHERE: readonly (readonly [string, string])[] = [
    ['NOT NULL, which has a name since PostgreSQL 18', 'alter table users alter name set not null'],
    ['a default', `alter table users alter name set default 'x'`],
    ['an index on another column', 'create index on users (age)'],
    ['a check of another column', 'alter table users add check (age > 0)'],
    ['a view', 'create view v as select name from users'],
    ['a sequence', 'create sequence s owned by users.name'],
    ['an index of another table', 'create index on logins (name)'],
  ]

  test('is not what goes on elsewhere, or says nothing of its own', async () => {
    const { query } = await testDatabase(GIVEN)
    for (const [what, done] of ELSEWHERE) {
      await query(`begin; ${done}`)
      expect(await query(sql`select ${nothingElseOn(USERS, 'name', [])} as is`), what).toEqual([{ is: true }])
      await query('rollback')
    }
  })
})
