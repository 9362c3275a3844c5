import type { Operation } from '../../src/core/operations/migration.ts'
import { GIVEN, type OperationCase, users } from './operation-case.ts'

type OfTables = Extract<
  Operation['kind'],
  'drop_table' | 'rename_table' | 'set_table' | 'attach_partition' | 'detach_partition'
>

/** With an index, a check and a key, and a table that is as its partitions. */
const EVENTS = `create table events (id bigint not null, name text not null check (name <> ''), primary key (id)) partition by range (id);
  create index on events (name); create table events_1 partition of events for values from (0) to (100);
  create table events_2 (id bigint primary key, name text not null constraint events_name_check check (name <> '')); create index on events_2 (name);
  insert into events_1 select i, 'event ' || i from generate_series(1, 99) i; insert into events_2 select 100 + i, 'event' from generate_series(1, 99) i;`
const events = { namespace: 'public', table: 'events' } as const
const attach: Operation = {
  kind: 'attach_partition',
  ...events,
  partition: 'events_2',
  bounds: 'for values from (100) to (200)',
}

export const TABLE_CASES: Readonly<Record<OfTables, readonly OperationCase[]>> = {
  attach_partition: [
    { name: 'with an index, a check and a key', given: EVENTS, operations: [attach] },
    {
      name: 'beside a default partition that is small',
      given: `${EVENTS} create table events_rest partition of events default;`,
      operations: [attach],
    },
    {
      name: 'beside a default partition that is read before',
      given: `${EVENTS} create table events_rest partition of events default; insert into events select i, repeat('x', 900) from generate_series(1000, 3000) i;`,
      operations: [{ ...attach, refuseInDefault: true }],
    },
  ],
  detach_partition: [
    {
      name: 'with an index, a check and a key',
      given: EVENTS,
      operations: [{ kind: 'detach_partition', ...events, partition: 'events_1' }],
    },
  ],
  drop_table: [
    {
      name: 'with a foreign key and the sequence of a serial',
      given: `${GIVEN} alter table users add number serial; create index on users (team);`,
      operations: [{ kind: 'drop_table', ...users }],
    },
  ],
  rename_table: [
    {
      name: 'with a foreign key and an index',
      given: `${GIVEN} create index on users (team); comment on table users is 'them'; grant select on users to public;`,
      operations: [{ kind: 'rename_table', ...users, to: 'people' }],
    },
  ],
  set_table: [
    {
      name: 'the comment and storage parameters',
      given: GIVEN,
      operations: [{ kind: 'set_table', ...users, comment: 'them', set: { fillfactor: '70' }, reset: [] }],
    },
    {
      name: 'the replica identity',
      given: `${GIVEN} create unique index by_name on users (name);`,
      operations: [
        { kind: 'set_table', ...users, set: {}, reset: [], replicaIdentity: { index: 'by_name' } },
      ],
    },
  ],
}
