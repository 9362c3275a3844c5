import type { AddConstraint } from '../../src/core/operations/add-constraint.ts'
import { GIVEN, type OperationCase, users } from './operation-case.ts'

const add = (more: Partial<AddConstraint>): AddConstraint => ({ kind: 'add_constraint', ...users, ...more })

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
} as const satisfies Readonly<Record<string, readonly OperationCase[]>>
