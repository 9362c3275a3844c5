import type { Operation } from '../../src/core/operations/migration.ts'
import { CONSTRAINT_CASES } from './constraint-cases.ts'
import { OBJECT_CASES } from './object-cases.ts'
import { GIVEN, type OperationCase, ROWS, users } from './operation-case.ts'
import { PARTITIONED_CASES } from './partitioned-cases.ts'
import { rename } from './rename.ts'
import { TABLE_CASES } from './table-cases.ts'

const add = (column: string, type: string, byDefault?: string): Operation => ({
  kind: 'add_column',
  ...users,
  column,
  type,
  nullable: byDefault === undefined,
  ...(byDefault === undefined ? {} : { default: byDefault }),
})

const ADD = { kind: 'add_column', ...users, nullable: false } as const

const drop = (column: string): Operation => ({ kind: 'drop_column', ...users, column })

const WHOLE_CASES: Readonly<Record<Operation['kind'], readonly OperationCase[]>> = {
  add_column: [
    { name: 'nullable', given: GIVEN, operations: [add('email', 'text')] },
    { name: 'NOT NULL with a default', given: GIVEN, operations: [add('seen', 'integer', '7')] },
    {
      name: 'NOT NULL with values from other columns',
      given: GIVEN,
      operations: [{ ...ADD, column: 'slug', type: 'text', up: 'lower(name)', default: `'none'` }],
    },
    {
      name: 'with the sequence of an identity',
      given: GIVEN,
      operations: [{ ...ADD, column: 'number', type: 'integer', identity: 'always' }],
    },
    {
      name: 'with rules of its own',
      given: GIVEN,
      operations: [
        {
          kind: 'add_column',
          ...users,
          column: 'squad',
          type: 'integer',
          nullable: true,
          check: { constraint: 'squad >= 0' },
          unique: {},
          references: { namespace: 'public', table: 'teams', column: 'id' },
        },
      ],
    },
    {
      name: 'to a small table, stored and generated, and of a domain with a constraint',
      given: `${GIVEN} create domain mail as text check (value like '%@%');`,
      operations: [
        {
          kind: 'add_column',
          ...users,
          column: 'slug',
          type: 'text',
          nullable: true,
          generated: 'lower(name)',
          stored: true,
          unsafe: 'a test',
        },
        {
          kind: 'add_column',
          ...users,
          column: 'mail',
          type: 'public.mail',
          nullable: true,
          up: "name || '@'",
          unsafe: 'a test',
        },
      ],
    },
  ],
  change_type: [
    {
      name: 'to one that takes every value as it is stored',
      given: `${GIVEN} alter table users add code varchar(10); create index on users (code);`,
      operations: [{ kind: 'change_type', ...users, column: 'code', type: 'text' }],
    },
    {
      name: 'with a foreign key',
      given: GIVEN,
      operations: [{ kind: 'change_type', ...users, column: 'team', type: 'bigint' }],
    },
    {
      name: 'with the sequence of a serial, a CHECK and a unique constraint',
      given: `create table users (id integer primary key, number serial unique check (number > 0)); insert into users select generate_series(1, ${ROWS});`,
      operations: [{ kind: 'change_type', ...users, column: 'number', type: 'bigint' }],
    },
    {
      name: 'of an identity that foreign keys point at, one of them of its own table',
      given: `create table users (id integer generated always as identity primary key, boss integer references users);
        create table orders (number serial, of_user integer not null references users on delete cascade, primary key (of_user, number));
        insert into users (boss) select nullif(i - 1, 0) from generate_series(1, ${ROWS}) i; insert into orders (of_user) select generate_series(1, ${ROWS});`,
      operations: [{ kind: 'change_type', ...users, column: 'id', type: 'bigint' }],
    },
    {
      name: 'without a way back',
      given: `${GIVEN} create index on users (name);`,
      operations: [
        {
          kind: 'change_type',
          ...users,
          column: 'name',
          type: 'integer',
          up: 'length(name)',
          overlap: 'forward_only',
        },
      ],
    },
  ],
  create_index: [
    {
      name: 'unique, on an expression',
      given: GIVEN,
      operations: [
        {
          kind: 'create_index',
          definition: 'create unique index on users (lower(name))',
          when: 'before_rollout',
        },
      ],
    },
    {
      name: 'of a partitioned table',
      given: `${GIVEN}; create table days (id bigint, at date not null) partition by range (at);
        create table days_2020 partition of days for values from ('2020-01-01') to ('2021-01-01') partition by hash (id);
        create table days_2020_a partition of days_2020 for values with (modulus 1, remainder 0)`,
      operations: [{ kind: 'create_index', definition: 'create index on days (id)' }],
    },
  ],
  create_table: [
    {
      name: 'with a foreign key',
      given: GIVEN,
      operations: [
        {
          kind: 'create_table',
          namespace: 'public',
          table: 'notes',
          columns: [
            { name: 'id', type: 'bigint', nullable: false, identity: 'always' },
            { name: 'team', type: 'integer', nullable: true },
          ],
          primaryKey: ['id'],
          constraints: [
            {
              kind: 'foreign_key',
              columns: ['team'],
              references: { namespace: 'public', name: 'teams' },
              onDelete: 'cascade',
              onUpdate: 'no_action',
            },
          ],
        },
      ],
    },
  ],
  add_constraint: CONSTRAINT_CASES.add,
  add_enum_value: OBJECT_CASES.addValue,
  rename_enum_value: OBJECT_CASES.renameValue,
  remove_enum_value: OBJECT_CASES.removeValue,
  create_object: OBJECT_CASES.create,
  drop_object: OBJECT_CASES.drop,
  replace_object: OBJECT_CASES.replace,
  sql: OBJECT_CASES.sql,
  alter_column: CONSTRAINT_CASES.alter,
  alter_domain: OBJECT_CASES.alterDomain,
  drop_constraint: CONSTRAINT_CASES.drop,
  grant: OBJECT_CASES.grant,
  revoke: OBJECT_CASES.revoke,
  rename_constraint: CONSTRAINT_CASES.rename,
  drop_column: [
    {
      name: 'with an index and a foreign key',
      given: `${GIVEN} create index on users (team);`,
      operations: [drop('team')],
    },
    {
      name: 'with the sequence of a serial',
      given: `${GIVEN} alter table users add number serial;`,
      operations: [drop('number')],
    },
    {
      name: 'with the sequence of an identity',
      given: `${GIVEN} alter table users add number integer generated by default as identity;`,
      operations: [drop('number')],
    },
    {
      name: 'with values for writers that no longer know it',
      given: GIVEN,
      operations: [{ kind: 'drop_column', ...users, column: 'name', down: 'id::text' }],
    },
  ],
  ...TABLE_CASES,
  merge_columns: [
    {
      name: 'two to one that is NOT NULL',
      given: `${GIVEN} alter table users add last text;`,
      operations: [
        {
          kind: 'merge_columns',
          ...users,
          from: [
            { name: 'name', down: `split_part(whole, ' ', 1)` },
            { name: 'last', down: `nullif(split_part(whole, ' ', 2), '')` },
          ],
          to: 'whole',
          type: 'text',
          nullable: false,
          up: `coalesce(name, '') || coalesce(' ' || last, '')`,
        },
      ],
    },
  ],
  rename_column: [
    {
      name: 'of a partitioned table, with an index',
      given: `create table events (id bigint not null, name text not null check (name <> '')) partition by range (id);
        create table events_1 partition of events for values from (0) to (100);
        create table events_2 partition of events for values from (100) to (1000) partition by hash (id);
        create table events_2a partition of events_2 for values with (modulus 1, remainder 0);
        create index on events (name); insert into events select i, 'event ' || i from generate_series(1, ${ROWS}) i;`,
      operations: [
        { kind: 'rename_column', namespace: 'public', table: 'events', from: 'name', to: 'title' },
      ],
    },
    {
      name: 'NOT NULL, with a CHECK, indexes, and a unique constraint that is the replica identity',
      given: `${GIVEN} alter table users add unique (name), add check (name <> ''), replica identity using index users_name_key;
        create index on users (lower(name)); create index clustered on users (name, id); cluster users using clustered;`,
      operations: [rename()],
    },
    {
      name: 'with a foreign key',
      given: GIVEN,
      operations: [rename({ from: 'team', to: 'squad' })],
    },
    {
      name: 'of an identity that foreign keys point at, one of them of its own table',
      given: `create table users (id integer generated always as identity primary key, boss integer references users);
        create table orders (number serial, of_user integer not null references users on delete cascade, primary key (of_user, number));
        insert into users (boss) select nullif(i - 1, 0) from generate_series(1, ${ROWS}) i; insert into orders (of_user) select generate_series(1, ${ROWS});`,
      operations: [rename({ from: 'id', to: 'number' })],
    },
    {
      name: 'with the sequence of a serial',
      given: `create table users (id integer primary key, name serial); insert into users select generate_series(1, ${ROWS});`,
      operations: [rename({ type: 'bigint' })],
    },
    {
      name: 'to a column that is there',
      given: `${GIVEN} alter table users add full_name text;`,
      operations: [rename()],
    },
    {
      name: 'without a way back',
      given: GIVEN,
      operations: [rename({ transform: 'upper', overlap: 'forward_only' })],
    },
  ],
  move_column: [
    {
      name: 'NOT NULL with a default',
      given: `${GIVEN} alter table users add bio text not null default 'none';
        create table profiles (user_id bigint primary key references users on delete cascade, seen integer);
        insert into profiles select id from users where id % 2 = 0; update users set bio = 'about ' || id where id % 2 = 0;`,
      operations: [
        {
          kind: 'move_column',
          from: { ...users, column: 'bio' },
          to: { namespace: 'public', table: 'profiles', column: 'bio' },
          on: [{ target: 'user_id', source: 'id' }],
        },
      ],
    },
  ],
  split_column: [
    {
      name: 'one to two, with a default and an index',
      given: `${GIVEN} alter table users alter name set default 'a b'; create index on users (name);`,
      operations: [
        {
          kind: 'split_column',
          ...users,
          from: 'name',
          to: [
            { name: 'first', type: 'text', nullable: false, up: `split_part(name, ' ', 1)` },
            { name: 'last', type: 'text', nullable: true, up: `nullif(split_part(name, ' ', 2), '')` },
          ],
          down: `first || coalesce(' ' || last, '')`,
        },
      ],
    },
  ],
  drop_index: [
    {
      name: 'of a column',
      given: `${GIVEN} create index on users (name);`,
      operations: [{ kind: 'drop_index', ...users, index: 'users_name_idx' }],
    },
  ],
  rename_index: [
    {
      name: 'of a column',
      given: `${GIVEN} create index on users (name);`,
      operations: [{ kind: 'rename_index', ...users, from: 'users_name_idx', to: 'by_name' }],
    },
  ],
  replace_index: [
    {
      name: 'by another one',
      given: `${GIVEN} create index by_name on users (name);`,
      operations: [{ kind: 'replace_index', definition: 'create index by_name on users (lower(name))' }],
    },
  ],
}

/**
 * What a kind of operation does to other sessions is tried out on these: which locks it takes, whether it reads or copies a
 * table, how long bystanders wait. A new operation adds its own.
 */
export function operationCases(kind: Operation['kind']): readonly OperationCase[] {
  return [...WHOLE_CASES[kind], ...(PARTITIONED_CASES[kind] ?? [])]
}
