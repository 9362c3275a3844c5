import { describe, expect, test } from 'vitest'
import type { Grant } from '../../src/core/operations/grant/privileges.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { catalog, traces } from '../support/catalog.ts'
import { testDatabase } from '../support/database.ts'
import { type Lifecycle, liveThrough } from '../support/lifecycle.ts'

/** What hangs on a table that gets another name, is allowed on it, or moves to or from it in the same migration. */

const ROWS = 300
const RENAMED: Operation = { kind: 'rename_table', namespace: 'public', table: 'users', to: 'people' }
const SQL = { kind: 'sql', namespace: 'public', phase: 'expand' } as const
const grant = (more: Partial<Grant> & Pick<Grant, 'on'>): Operation => ({
  kind: 'grant',
  namespace: 'public',
  privileges: ['select'],
  to: ['pg_monitor'],
  ...more,
})
const make = (definition: string): Operation => ({ kind: 'create_object', namespace: 'public', definition })

const TOUCH = `create function touch() returns trigger language plpgsql as $$ begin new.touched := new.touched + 1; return new; end $$;`
const TABLE = `create table users (id int primary key, name text not null, mail text, owner text default current_user, touched int not null default 0);`
const GIVEN = `${TABLE} ${TOUCH}
  create trigger first before update on users for each row execute function touch();
  create trigger last before update on users for each row execute function touch();
  create policy everybody on users using (true); grant select, delete on users to pg_monitor;
  grant update (mail) on users to pg_signal_backend;
  insert into users select i, 'User ' || i, i || '@a' from generate_series(1, ${ROWS}) i;`

const old = {
  name: 'old',
  statements: [
    `insert into users (id, name) values (1000 + $1 * 2, 'old ' || $1)`,
    `update users set name = 'again ' || $1 where id = 1 + $1 % ${ROWS}`,
  ],
}
const renewed = {
  name: 'new',
  statements: [
    `insert into people (id, name) values (1001 + $1 * 2, 'new ' || $1)`,
    `update people set mail = 'm' || $1 where id = 1 + $1 % ${ROWS}`,
  ],
}

const LIVES: readonly (readonly [string, Lifecycle])[] = [
  [
    'privileges, triggers and policies',
    {
      superuser: 'privileges of roles of the server',
      operations: [
        grant({ on: 'users', privileges: ['insert'] }),
        make('create trigger early before insert on users for each row execute function touch()'),
        RENAMED,
        grant({ on: 'people', columns: ['name', 'id'], privileges: ['update'], to: ['pg_read_all_stats'] }),
        grant({ on: 'public.people', privileges: ['truncate'], to: ['pg_read_all_stats'] }),
        {
          kind: 'revoke',
          namespace: 'public',
          on: 'people',
          privileges: ['delete'],
          from: ['pg_monitor'],
        },
        make(
          `create trigger "Behind" before insert or update of name on "people" for each row when (new.name <> '') execute function touch()`,
        ),
        make('create policy mine on people for select using (people.owner = current_user)'),
        {
          kind: 'replace_object',
          namespace: 'public',
          definition: `create or replace trigger first before update on public.people for each row when (new.id > 0) execute function touch()`,
        },
        { kind: 'drop_object', namespace: 'public', object: 'trigger last on people' },
      ],
      given: GIVEN,
      direct: `${GIVEN} truncate users; alter table users rename to people; drop trigger last on people;
        create trigger early before insert on people for each row execute function touch();
        create trigger "Behind" before insert or update of name on people for each row when (new.name <> '') execute function touch();
        create or replace trigger first before update on people for each row when (new.id > 0) execute function touch();
        create policy mine on people for select using (people.owner = current_user);
        grant insert on people to pg_monitor; revoke delete on people from pg_monitor;
        grant update (id, name), truncate on people to pg_read_all_stats;`,
      old: [old],
      renewed: [renewed],
      kept: ['select count(*), max(id) from users'],
    },
  ],
  [
    'statements in front of it',
    {
      operations: [
        {
          ...SQL,
          up: 'alter table users set (fillfactor = 70)',
          down: 'alter table users reset (fillfactor)',
          probe: `exists (select from pg_catalog.pg_class where relname in ('users', 'people') and reloptions is not null)`,
        },
        {
          ...SQL,
          up: 'create statistics seen on name, mail from users',
          down: 'drop statistics seen',
          probe: `exists (select from pg_catalog.pg_statistic_ext where stxname = 'seen')`,
        },
        RENAMED,
      ],
      given: GIVEN.replace(/grant [^;]*;/g, ''),
      direct: `${GIVEN.replace(/grant [^;]*;/g, '')} create statistics seen on name, mail from users; alter table users set (fillfactor = 70); alter table users rename to people`,
      old: [old],
      renewed: [renewed],
    },
  ],
]

/** Each table by its old name and by its new one. */
const clients = (users: string, profiles: string, bio: 'old' | 'new') => ({
  name: bio,
  statements:
    bio === 'old'
      ? [
          `update ${users} set bio = 'old ' || $1 where id = 1 + $1 % ${ROWS}`,
          `with one as (insert into ${users} (bio) values ('born ' || $1) returning id) insert into ${profiles} (user_id) select id from one`,
          `update ${profiles} set likes = likes + 1 where user_id = 1 + $1 % ${ROWS}`,
        ]
      : [
          `insert into ${profiles} (user_id, bio) values (1 + $1 % ${ROWS}, 'new ' || $1) on conflict (user_id) do update set bio = excluded.bio`,
          `with one as (insert into ${users} (seen) values (7) returning id) insert into ${profiles} (user_id, bio) select id, 'made ' || $1 from one`,
          `update ${profiles} set likes = likes + 1 where user_id = 1 + $1 % ${ROWS}`,
          `update ${users} set seen = seen + 1 where id = 1 + $1 % ${ROWS}`,
        ],
})
const CARDS: Operation = { kind: 'rename_table', namespace: 'public', table: 'profiles', to: 'cards' }
const move = (source: string, target: string): Operation => ({
  kind: 'move_column',
  from: { namespace: 'public', table: source, column: 'bio' },
  to: { namespace: 'public', table: target, column: 'bio' },
  on: [{ target: 'user_id', source: 'id' }],
})
const MOVED = (users: string, profiles: string) =>
  `create table users (id bigint generated by default as identity primary key, seen int not null default 0${users});
   create table profiles (user_id bigint primary key references users on delete cascade, likes int not null default 0${profiles});`
const BIOS = `${MOVED(", bio text not null default ''", '')}
  insert into users (bio) select 'about ' || i from generate_series(1, ${ROWS}) i; insert into profiles (user_id) select id from users;`
const DIFFER = (users: string, profiles: string) =>
  `select from ${users} u join ${profiles} p on p.user_id = u.id where u.bio is distinct from p.bio`
const MOVES: readonly (readonly [string, readonly Operation[], string, string])[] = [
  ['the table that it leaves', [RENAMED, move('people', 'profiles')], 'people', 'profiles'],
  ['the one that it goes to', [move('users', 'profiles'), CARDS], 'users', 'cards'],
  ['both', [CARDS, RENAMED, move('people', 'cards')], 'people', 'cards'],
]

test.each(MOVES)(
  'a column moves, and another name comes to %s, under traffic',
  async (_what, operations, users, profiles) => {
    const renames = [
      ...(users === 'people' ? ['alter table users rename to people'] : []),
      ...(profiles === 'cards' ? ['alter table profiles rename to cards'] : []),
    ]
    await liveThrough({
      operations,
      given: BIOS,
      direct: `${MOVED('', ", bio text not null default ''")} ${renames.join(';')}`,
      old: [clients('users', 'profiles', 'old')],
      renewed: [clients(users, profiles, 'new')],
      meanwhile: [DIFFER('users', profiles), DIFFER('users', 'profiles')],
      kept: ['select count(*) from users'],
    })
  },
)

const OPEN = { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' } as const

test.each([
  ...MOVES.map(([what, operations]) => [`a move, and ${what}`, operations, BIOS] as const),
  ...LIVES.map(([what, life]) => [what, life.operations, life.given] as const),
])('go back from the contract together: %s', async (_what, operations, given) => {
  const database = await testDatabase(given)
  const bellows = await database.bellows({ settings: { gate: OPEN } })
  const migration = { name: '0001_test', operations }
  const start = await catalog(database)
  const { id } = await bellows.change((driver) => driver.advance(migration, 'retire'))
  await bellows.change((driver) => driver.undo(id))
  await bellows.change((driver) => driver.advance(migration, 'retire'))
  await bellows.change((driver) => driver.rollback(id))
  expect(await catalog(database), 'the catalog is that of the start').toEqual(start)
  expect(await traces(database)).toEqual([])
})

describe('a table that gets another name is refused beside', () => {
  test.each<[string, readonly Operation[], string, string]>([
    [
      'statements behind it',
      [
        RENAMED,
        { ...SQL, up: 'create statistics seen on name, mail from people', down: 'drop statistics seen' },
      ],
      'Two operations of the migration touch "people".',
      'Put the statements in front of rename_table, by the old name of the table.',
    ],
    [
      'statements for which a reason is given',
      [
        { ...SQL, up: 'vacuum users', down: 'select 1', outside_transaction: true, unsafe: 'it is small' },
        RENAMED,
      ],
      'Two operations of the migration touch "users".',
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
    [
      'statements that give rights, which the view would not have',
      [
        { ...SQL, up: 'grant insert on users to pg_monitor', down: 'revoke insert on users from pg_monitor' },
        RENAMED,
      ],
      'Two operations of the migration touch "users".',
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
    [
      'statements in the contract',
      [{ ...SQL, phase: 'contract', up: 'drop policy everybody on users' }, RENAMED],
      'Two operations of the migration touch "users".',
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
    [
      'a view on its new name',
      [RENAMED, make('create view names as select name from people')],
      'The view public.names names "people", which is a view until the contract: that would wait for it.',
      'Build it on "users": it follows the table to its new name.',
    ],
    [
      'a partition',
      [
        RENAMED,
        {
          kind: 'attach_partition',
          namespace: 'public',
          table: 'people',
          partition: 'orders',
          bounds: 'for values in (1)',
        },
      ],
      'Two operations of the migration touch "people".',
      'Put them into two migrations; the second begins when the first is contracted.',
    ],
  ])('%s', async (_what, operations, message, hint) => {
    const database = await testDatabase(GIVEN)
    const bellows = await database.bellows()
    await expect(bellows.plan({ name: '0001_test', operations })).rejects.toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })
})

test.each(LIVES)('a table gets another name, and %s, under traffic', async (_what, life) => {
  await liveThrough(life)
})
