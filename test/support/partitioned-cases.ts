import type { Operation } from '../../src/core/operations/migration.ts'
import { matrixMajor } from './matrix.ts'
import { type OperationCase, ROWS } from './operation-case.ts'

/** On two levels, with an index, a check, and a key that has another name in each partition. */
const EVENTS = `create table teams (id integer primary key); insert into teams select generate_series(0, 9);
  create table events (id bigint not null, name text not null check (name <> ''), team integer, seen integer, spare text) partition by range (id);
  create table events_1 partition of events for values from (0) to (100);
  create table events_2 partition of events for values from (100) to (1000) partition by hash (id);
  create table events_2a partition of events_2 for values with (modulus 1, remainder 0);
  insert into events select i, 'event ' || i, i % 10, i, 'x' from generate_series(1, ${ROWS}) i;`
const RULES = `alter table events add constraint once unique (id, name), add foreign key (team) references teams;`
const events = { namespace: 'public', table: 'events' } as const
const on = (name: string, more: string, ...operations: readonly Operation[]): readonly OperationCase[] => [
  { name: `of a partitioned table${name}`, given: `${EVENTS} ${more}`, operations },
]

/** What an operation does that works on a partitioned table as on any other, and takes its partitions along. */
export const PARTITIONED_CASES: Readonly<Partial<Record<Operation['kind'], readonly OperationCase[]>>> = {
  add_column: on(', with values from other columns', '', {
    kind: 'add_column',
    ...events,
    column: 'slug',
    type: 'text',
    nullable: false,
    up: 'lower(name)',
    default: `'none'`,
  }),
  change_type: on(
    ', together with a column that goes',
    'create index on events (seen);',
    ...([
      { kind: 'change_type', ...events, column: 'seen', type: 'bigint' },
      { kind: 'drop_column', ...events, column: 'spare' },
    ] as const),
  ),
  alter_column: on(', NOT NULL, and what is handed on to each partition', '', {
    kind: 'alter_column',
    ...events,
    column: 'team',
    nullable: false,
    default: '7',
    statistics: 7,
  }),
  add_constraint: [
    ...on(
      ', a check, a reference and a unique constraint',
      '',
      ...([
        { kind: 'add_constraint', ...events, check: 'seen >= 0' },
        {
          kind: 'add_constraint',
          ...events,
          foreign_key: {
            columns: ['team'],
            references: { namespace: 'public', table: 'teams', columns: ['id'] },
          },
        },
        { kind: 'add_constraint', ...events, unique: ['id', 'name'] },
      ] as const),
    ),
    ...(Number(matrixMajor()) < 17
      ? []
      : on(', an exclusion constraint', '', {
          kind: 'add_constraint',
          ...events,
          exclude: 'using btree (id with =, team with =)',
        })),
  ],
  drop_constraint: on(
    ', a check, a reference and a unique constraint',
    RULES,
    ...['events_name_check', 'events_team_fkey', 'once'].map(
      (name) => ({ kind: 'drop_constraint', ...events, name }) as const,
    ),
  ),
  rename_constraint: on(
    ', a check and a unique constraint',
    RULES,
    ...([
      { kind: 'rename_constraint', ...events, from: 'events_name_check', to: 'has_name' },
      { kind: 'rename_constraint', ...events, from: 'once', to: 'once_only' },
    ] as const),
  ),
  replace_index: on(
    ', beside one that goes and one that is renamed',
    'create index by_name on events (name); create index by_team on events (team); create index by_seen on events (seen);',
    ...([
      { kind: 'replace_index', definition: 'create index by_name on events (lower(name))' },
      { kind: 'drop_index', ...events, index: 'by_team' },
      { kind: 'rename_index', ...events, from: 'by_seen', to: 'seen_first' },
    ] as const),
  ),
  create_table: [
    {
      name: 'that is partitioned',
      given: '',
      operations: [
        {
          kind: 'create_table',
          namespace: 'public',
          table: 'visits',
          columns: [{ name: 'at', type: 'date', nullable: false }],
          constraints: [],
          partitionBy: 'range (at)',
          partitions: [{ name: 'visits_rest', bounds: 'default' }],
        },
      ],
    },
  ],
  drop_table: on(', with a reference', RULES, { kind: 'drop_table', ...events }),
  rename_table: on('', '', { kind: 'rename_table', ...events, to: 'happenings' }),
  set_table: on(', the comment and the replica identity', '', {
    kind: 'set_table',
    ...events,
    comment: 'what was',
    set: {},
    reset: [],
    replicaIdentity: 'full',
  }),
}
