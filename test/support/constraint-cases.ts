import type { AddConstraint } from '../../src/core/operations/add-constraint.ts'
import type { DropConstraint } from '../../src/core/operations/drop-constraint.ts'
import { GIVEN, type OperationCase, users } from './operation-case.ts'

const add = (more: Partial<AddConstraint>): AddConstraint => ({ kind: 'add_constraint', ...users, ...more })

const drop = (name: string): DropConstraint => ({ kind: 'drop_constraint', ...users, name })

/** What operations on constraints do to other sessions. */
export const CONSTRAINT_CASES = {
  add: [
    {
      name: 'a check, a foreign key and a unique constraint',
      given: GIVEN,
      operations: [
        add({ check: "name <> ''" }),
        add({
          name: 'again',
          foreign_key: {
            columns: ['team'],
            references: { namespace: 'public', table: 'teams', columns: ['id'] },
          },
        }),
        add({ unique: ['name'] }),
      ],
    },
    {
      name: 'a primary key of a column that is nullable, and an exclusion',
      given: `${GIVEN} alter table users alter id drop identity, drop constraint users_pkey, alter id drop not null`,
      operations: [add({ primary_key: ['id'] }), add({ exclude: 'using btree (name with =)' })],
    },
    {
      name: 'before the rollout',
      given: GIVEN,
      operations: [
        add({ check: "name <> ''", when: 'before_rollout' }),
        add({ unique: ['name'], when: 'before_rollout' }),
      ],
    },
  ],
  drop: [
    {
      name: 'a check, a foreign key, and a unique constraint that goes last',
      given: `${GIVEN} alter table users add check (name <> ''), add unique (name);`,
      operations: ['users_name_check', 'users_team_fkey', 'users_name_key'].map(drop),
    },
  ],
  alter: [
    {
      name: 'everything of a column that has nothing',
      given: GIVEN,
      operations: [
        {
          kind: 'alter_column',
          ...users,
          column: 'team',
          nullable: false,
          default: '7',
          comment: 'a team',
          statistics: 7,
        },
      ],
    },
    {
      name: 'NULL allowed, the default gone, and stored in another way',
      given: `${GIVEN} alter table users alter name set default 'none'`,
      operations: [
        {
          kind: 'alter_column',
          ...users,
          column: 'name',
          nullable: true,
          default: null,
          storage: 'external',
        },
      ],
    },
  ],
  rename: [
    {
      name: 'of a key',
      given: GIVEN,
      operations: [{ kind: 'rename_constraint', ...users, from: 'users_pkey', to: 'users_key' }],
    },
  ],
} as const satisfies Readonly<Record<string, readonly OperationCase[]>>
