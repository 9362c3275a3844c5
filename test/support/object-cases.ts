import { GIVEN, type OperationCase } from './operation-case.ts'

const GIVEN_OBJECTS = `${GIVEN}
  create function stamp() returns trigger language plpgsql as 'begin return new; end';
  create view names as select id, name from users;
  create trigger note before insert on users for each row execute function stamp();
  create policy own on users;
  create type mood as enum ('ok');
  create domain email as text check (value <> ''); alter table users add mail email;
  create sequence spare; grant select on names to public; revoke create on schema public from public;`

const create = (definition: string) => ({ kind: 'create_object', namespace: 'public', definition }) as const
const replace = (definition: string) => ({ kind: 'replace_object', namespace: 'public', definition }) as const
const drop = (object: string) => ({ kind: 'drop_object', namespace: 'public', object }) as const

const publicly = { namespace: 'public', to: ['public'] } as const

const mood = { namespace: 'public', type: 'mood' } as const

/** Something that is left to do in the purge, so that the way back is seen as well. */
const LATER = drop('type mood')

const given = (name: string, operations: OperationCase['operations']): readonly OperationCase[] => [
  { name, given: GIVEN_OBJECTS, operations: [...operations, LATER] },
]

export const OBJECT_CASES = {
  create: given('a view, a function, a trigger, a policy, an enum and a domain', [
    create(
      'create view teams_of_users as select u.id, t.id as team from users u join teams t on t.id = u.team',
    ),
    create('create function one() returns integer language sql return 1'),
    create('create trigger noted after update on users for each row execute function stamp()'),
    create('create policy seen on users for select using (true)'),
    create(`create type color as enum ('red')`),
    create(`create domain address as text check (value ~ '@')`),
  ]),
  replace: given('a view, a function, a trigger and a policy', [
    replace('create or replace view names as select id, upper(name) as name from users'),
    replace(
      `create or replace function stamp() returns trigger language plpgsql as 'begin return null; end'`,
    ),
    replace('create trigger note after insert on users for each row execute function stamp()'),
    replace('create policy own on users using (true)'),
  ]),
  addValue: given('after another one', [{ kind: 'add_enum_value', ...mood, value: 'sad', after: 'ok' }]),
  renameValue: given('for a reason', [
    { kind: 'rename_enum_value', ...mood, from: 'ok', to: 'fine', unsafe: 'nobody says it yet' },
  ]),
  removeValue: [
    {
      name: 'of columns of two tables, one of them partitioned, and of an array',
      given: `${GIVEN} create type mood as enum ('ok', 'sad', 'fine'); alter table users add mood mood not null default 'sad', add moods mood[];
        create index on users (mood) where mood = 'sad';
        create table days (day integer not null, mood mood) partition by range (day);
        create table days_1 partition of days for values from (0) to (10); create index on days (mood)`,
      operations: [{ kind: 'remove_enum_value', ...mood, value: 'ok', becomes: 'fine' }],
    },
  ],
  alterDomain: given('its default and its checks', [
    {
      kind: 'alter_domain',
      namespace: 'public',
      domain: 'email',
      default: "'none'",
      check: { name: 'known', constraint: "value <> 'x'" },
      drop_check: 'email_check',
    },
  ]),
  grant: given('on a table, a column, a sequence and a schema', [
    { kind: 'grant', ...publicly, on: 'users', privileges: ['select', 'insert'] },
    { kind: 'grant', ...publicly, on: 'teams', columns: ['id'], privileges: ['update'] },
    { kind: 'grant', ...publicly, on: 'sequence spare', privileges: ['usage'] },
    { kind: 'grant', ...publicly, on: 'schema public', privileges: ['create'] },
  ]),
  revoke: given('of a table and a function', [
    { kind: 'revoke', namespace: 'public', on: 'names', privileges: ['select'], from: ['public'] },
    {
      kind: 'revoke',
      namespace: 'public',
      on: 'function stamp()',
      privileges: ['execute'],
      from: ['public'],
    },
  ]),
  drop: [
    {
      name: 'a view, a trigger, a function, a policy and an enum',
      given: GIVEN_OBJECTS,
      operations: [
        drop('view names'),
        drop('trigger note on users'),
        drop('function stamp()'),
        drop('policy own on users'),
        LATER,
      ],
    },
  ],
  sql: [
    {
      name: 'a foreign key that is not validated, and its validation',
      given: `${GIVEN} alter table users drop constraint users_team_fkey; create sequence spare;`,
      operations: [
        {
          kind: 'sql',
          namespace: 'public',
          up: 'alter table users add constraint of_team foreign key (team) references teams not valid',
          unsafe: 'no instance writes a team that is not there',
          down: 'alter table users drop constraint of_team',
          phase: 'expand',
        },
        {
          kind: 'sql',
          namespace: 'public',
          up: 'alter table users validate constraint of_team',
          irreversible: 'the constraint goes with the other step',
          phase: 'expand',
        },
        { kind: 'sql', namespace: 'public', up: 'drop sequence spare', phase: 'contract' },
      ],
    },
    {
      name: 'rows, grants, comments and an index',
      given: `${GIVEN} create sequence spare;`,
      operations: [
        {
          kind: 'sql',
          namespace: 'public',
          up: `insert into teams values (100); update users set team = 100 where id = 1; grant select on teams to public; comment on table teams is 'seen'`,
          down: `update users set team = 1 where id = 1; delete from teams where id = 100; revoke select on teams from public; comment on table teams is null`,
          probe: 'exists (select from public.teams where id = 100)',
          phase: 'expand',
        },
        {
          kind: 'sql',
          namespace: 'public',
          up: 'create index concurrently by_team on public.users (team)',
          down: 'drop index concurrently public.by_team',
          outside_transaction: true,
          phase: 'expand',
        },
        { kind: 'sql', namespace: 'public', up: 'drop sequence spare', phase: 'contract' },
      ],
    },
  ],
} as const satisfies Readonly<Record<string, readonly OperationCase[]>>
