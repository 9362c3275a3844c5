import type { Operation } from '../../src/core/operations/migration.ts'
import { GIVEN, type OperationCase, users } from './operation-case.ts'

type OfTables = Extract<Operation['kind'], 'drop_table' | 'rename_table' | 'set_table'>

export const TABLE_CASES: Readonly<Record<OfTables, readonly OperationCase[]>> = {
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
