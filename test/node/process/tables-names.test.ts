import { describe, expect, test } from 'vitest'
import {
  again,
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  err,
  expand,
  migrateData,
  type Place,
  play,
  type Request,
  row,
  type Scenario,
  type Step,
} from './scenario.ts'

/** Two tables with the same columns, in two namespaces. */
const SEVERAL = `${DEMO};
  create table pets (id int primary key, name text);
  create schema sales; create table sales.users (id int primary key, name text);
  insert into sales.users values (1, 'a'), (2, 'b')`

const sql =
  (text: string) =>
  ({ database }: Place) =>
    database.query(text)

/** Names that no table and no column can have. */
const IMPOSSIBLE: readonly (readonly [string, unknown])[] = [
  ['an empty name', ''],
  ['a number', 5],
  ['no name but null', null],
  ['a list', ['name']],
  ['a name with NUL', 'na\0me'],
  ['a name of 64 bytes', 'x'.repeat(64)],
  ['a name of 66 bytes in 33 letters', 'é'.repeat(33)],
]
const SYSTEM_COLUMNS = ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'].map(
  (name) => [`the system column ${name}`, name] as const,
)

/** Every place of a message where a name stands: what it is, whether it names a column, and the message around it. */
const PLACES: readonly (readonly [string, boolean, (name: unknown) => Request])[] = [
  ['table of expand', false, (name) => expand(name, 'full_name')],
  ['add_column', true, (name) => expand('users', name)],
  ['namespace of expand', false, (name) => expand('users', 'full_name', { namespace: name })],
  ['from', true, (name) => migrateData(name, 'full_name')],
  ['to', true, (name) => migrateData('name', name)],
  ['table of migrate_data', false, (name) => migrateData('name', 'full_name', { table: name })],
  ['namespace of migrate_data', false, (name) => migrateData('name', 'full_name', { namespace: name })],
  ['table of contract', false, (name) => contract(name, 'name')],
  ['remove_column', true, (name) => contract('users', name)],
  ['namespace of contract', false, (name) => contract('users', 'name', { namespace: name })],
  ['to of contract', true, (name) => contract('users', 'name', { to: name, with_prerequisites: true })],
]

const impossible: readonly Step[] = PLACES.flatMap(([place, isColumn, around]) =>
  [...IMPOSSIBLE, ...(isColumn ? SYSTEM_COLUMNS : [])].map(([what, name]) =>
    row(`31, ${what} as ${place}`, around(name), err(12)),
  ),
)

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'rows 21, 22, 23, 25, 28, 30: what is not there, what is there already, and what may not go',
    steps: [
      row(21, expand('nowhere', 'full_name'), err(20, /nowhere/)),
      row('21, in another namespace', expand('users', 'full_name', { namespace: 'sales' }), err(20, /sales/)),
      row(22, expand('users', 'name'), err(21, /name/)),
      row('22, the key', expand('users', 'id'), err(21, /id/)),
      row(23, migrateData('nick', 'full_name'), err(20, /nick/)),
      row('23, with a table', migrateData('nick', 'full_name', { table: 'users' }), err(20, /nick/)),
      row('23, no such table', migrateData('name', 'full_name', { table: 'nowhere' }), err(20, /nowhere/)),
      row(25, migrateData('name', 'name'), err(12, /name/)),
      row(28, contract('users', 'nick'), err(20, /nick/)),
      row('28, no such table', contract('nowhere', 'name'), err(20, /nowhere/)),
      row('30, a key column', contract('users', 'id'), err(22, /key/)),
      row('30, the last column without a replacement', contract('users', 'name'), err(22)),
      async ({ database }) =>
        expect(await database.query('select * from bellows.version'), 'nothing was done').toEqual([]),
      row('30, before', migrateData('name', 'full_name'), COPIED),
      row('30, the replacement', contract('users', 'full_name'), err(22, /replacement of name/)),
    ],
  },
  {
    title: 'row 24: several tables have the column, and the message must say which',
    given: SEVERAL,
    steps: [
      row(24, migrateData('name', 'full_name'), err(12, /pets, users/)),
      row('24, named', migrateData('name', 'full_name', { table: 'users' }), COPIED),
      row('24, found by the open change', migrateData('name', 'full_name'), again(COPIED)),
      row('24, then 3', contract('users', 'name'), CONTRACTED),
      row('24, found by the recorded change', migrateData('name', 'full_name'), again(COPIED)),
      async ({ database }) =>
        expect(
          await database.query(
            `select column_name from information_schema.columns where table_name = 'pets' order by 1`,
          ),
          'nobody has asked for the pets',
        ).toEqual([{ column_name: 'id' }, { column_name: 'name' }]),
    ],
  },
  {
    title: 'row 26: a column that is there and fits is filled where it is null',
    given: `${DEMO}; alter table users add full_name text; update users set full_name = name where id <= 100`,
    steps: [
      row('26, it cannot be added', expand('users', 'full_name'), err(21, /full_name/)),
      row(
        26,
        migrateData('name', 'full_name'),
        '{"type": "data_migrated", "in_reply_to": N, "version": 1, "rows_migrated": 900}',
      ),
      row(
        '26, then 3',
        contract('users', 'name'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 2, "name": "remove_name_column", "schema": "users (full_name)"}',
      ),
    ],
  },
  {
    title: 'row 27: a column that is there and does not fit is refused',
    given: `${DEMO}; alter table users add strict_name text not null default 'x', add place point,
      add made text generated always as (upper(name)) stored, add fallback text default 'x'`,
    steps: [
      row('27, NOT NULL', migrateData('name', 'strict_name'), err(22, /NOT NULL/)),
      row('27, another type', migrateData('name', 'place'), err(22, /point/)),
      row('27, generated', migrateData('name', 'made'), err(22, /generated/)),
      row('27, with a default', migrateData('name', 'fallback'), err(22, /default/)),
      async ({ database }) =>
        expect(await database.query('select * from bellows.run'), 'nothing was begun').toEqual([]),
    ],
  },
  {
    title: 'row 29: what hangs on the old column is named and never dropped',
    given: `${DEMO}; alter table users add unique (name);
      create table badges (owner text references users (name))`,
    steps: [
      row('29, before', migrateData('name', 'full_name'), COPIED),
      sql('create view public.everybody as select name from users'),
      row(
        29,
        contract('users', 'name'),
        err(
          22,
          /everybody/,
          '"dependents": ["foreign key badges_owner_fkey on public.badges", "view public.everybody"]',
        ),
      ),
      sql('drop view public.everybody; alter table badges drop constraint badges_owner_fkey'),
      row('29, after', contract('users', 'name'), CONTRACTED),
    ],
  },
  {
    title: 'row 29: a generated column hangs on the old one, too',
    given: `${DEMO}; alter table users add shout text generated always as (upper(name)) stored`,
    steps: [
      row('29, before', migrateData('name', 'full_name'), COPIED),
      row(
        29,
        contract('users', 'name'),
        err(22, /shout/, '"dependents": ["generated column public.users.shout"]'),
      ),
    ],
  },
  {
    title: 'row 32: names that SQL quotes are taken literally',
    given: `create table "User" (id int primary key, "Last Name" text not null, "or""der" text);
      insert into "User" select i, 'n' || i, 'o' || i from generate_series(1, 10) i`,
    steps: [
      row(
        32,
        expand('User', 'full name'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 1, "name": "add_full name_column", "schema": "\\"User\\" (\\"Last Name\\", \\"or\\"\\"der\\" NULL, \\"full name\\" NULL)", "backward_compatible": true}',
      ),
      row(
        '32, the copy',
        migrateData('Last Name', 'full name'),
        '{"type": "data_migrated", "in_reply_to": N, "version": 2, "rows_migrated": 10}',
      ),
      row(
        '32, the contract',
        contract('User', 'Last Name'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 3, "name": "remove_Last Name_column", "schema": "\\"User\\" (\\"or\\"\\"der\\" NULL, \\"full name\\")"}',
      ),
      row('32, capitals count', expand('user', 'x'), err(20)),
      row(
        '32, a keyword',
        expand('User', 'select'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 4, "name": "add_select_column", "schema": "\\"User\\" (\\"or\\"\\"der\\" NULL, \\"full name\\", \\"select\\" NULL)", "backward_compatible": true}',
      ),
      row(
        '32, quotes',
        migrateData('or"der', "it's; drop table x --"),
        '{"type": "data_migrated", "in_reply_to": N, "version": 6, "rows_migrated": 10}',
      ),
      row(
        '32, a backslash',
        expand('User', 'back\\slash'),
        '{"type": "migration_applied", "in_reply_to": N, "version": 7, "name": "add_back\\\\slash_column", "schema": "\\"User\\" (\\"or\\"\\"der\\" NULL, \\"full name\\", \\"select\\" NULL, \\"it\'s; drop table x --\\" NULL, \\"back\\\\slash\\" NULL)", "backward_compatible": true}',
      ),
      row(
        '32, 63 bytes',
        expand('User', 'x'.repeat(63)),
        `{"type": "migration_applied", "in_reply_to": N, "version": 8, "name": "add_${'x'.repeat(63)}_column", "schema": "\\"User\\" (\\"or\\"\\"der\\" NULL, \\"full name\\", \\"select\\" NULL, \\"it's; drop table x --\\" NULL, \\"back\\\\slash\\" NULL, ${'x'.repeat(63)} NULL)", "backward_compatible": true}`,
      ),
    ],
  },
  {
    title: 'row 33: a namespace has a field of its own',
    given: SEVERAL,
    steps: [
      row(33, expand('public.users', 'full_name'), err(12, /namespace/)),
      row(
        '33, migrate_data',
        migrateData('name', 'full_name', { table: 'public.users' }),
        err(12, /namespace/),
      ),
      row('33, contract', contract('public.users', 'name'), err(12, /namespace/)),
      row(
        '33, said as it should be',
        migrateData('name', 'full_name', { namespace: 'sales' }),
        '{"type": "data_migrated", "in_reply_to": N, "version": 2, "rows_migrated": 2}',
      ),
      row(
        '33, the contract',
        contract('users', 'name', { namespace: 'sales' }),
        '{"type": "migration_applied", "in_reply_to": N, "version": 3, "name": "remove_name_column", "schema": "users (full_name NULL)"}',
      ),
      row('33, the other one is as it was', contract('users', 'name'), err(22)),
    ],
  },
  {
    title: 'row 31: names that cannot be are refused, wherever they stand',
    steps: [
      ...impossible,
      async ({ database }) =>
        expect(
          await database.query(
            `select column_name from information_schema.columns where table_name = 'users' order by 1`,
          ),
        ).toEqual([{ column_name: 'id' }, { column_name: 'name' }]),
      row('31, then 1', expand('users', 'full_name'), EXPANDED),
    ],
  },
]

describe('6.3, names and columns', () => {
  test.for(SCENARIOS)('$title', (scenario) => play(scenario))
})
