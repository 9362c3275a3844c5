import { expect, test } from 'vitest'
import { introspect } from '../../../src/adapters/postgres/introspect.ts'
import { openSessions, type Sessions } from '../../../src/adapters/postgres/sessions.ts'
import { OPERATION_KINDS } from '../../../src/core/operations/index.ts'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { needsOf } from '../../../src/core/plan/needs.ts'
import type { Sql } from '../../../src/core/sql.ts'
import { cleanUp, testDatabase } from '../../support/database.ts'
import { type OperationCase, users } from '../../support/operation-case.ts'
import { operationCases } from '../../support/operation-cases.ts'
import { withKeysReversed } from '../../support/other-order.ts'

/** Several of what a question can find. */
const MORE = `
set check_function_bodies = off;
create function reads_one() returns text language sql as 'select name || legacy from users';
create function reads_two() returns text language sql as 'select name || legacy from users'`

const SEVERAL: OperationCase = {
  name: 'several operations on several tables',
  given: `
  create table teams (id int primary key, label text);
  create table users (id int primary key, name text not null unique check (name <> ''), legacy text default 'x', team int references teams);
  create index by_legacy on users (legacy); create index by_both on users (name, legacy); create index by_lower on users (lower(name));
  create view listed as select name, legacy from users; create view named as select name, legacy, label from users, teams;
  alter table users add check (legacy <> name); grant select, update on users to pg_monitor, pg_read_all_data;
  grant select (name, legacy) on users to pg_monitor`,
  operations: [
    { kind: 'rename_column', ...users, from: 'name', to: 'full_name' },
    { kind: 'set_table', ...users, set: { parallel_workers: '2', fillfactor: '70' }, reset: [] },
    { kind: 'rename_column', namespace: 'public', table: 'teams', from: 'label', to: 'title' },
  ],
}

const CASES = [
  ['together', SEVERAL] as const,
  ...OPERATION_KINDS.flatMap((kind) => operationCases(kind).map((one) => [kind, one] as const)),
].map(([kind, one]) => [kind, one.name, one] as const)

test.for(CASES)(
  'a plan is the same in whatever order the server gives what nobody asked it to order: %s, %s',
  async ([, , { given, operations }]) => {
    const database = await testDatabase(given, MORE)
    const sessions = openSessions({ url: database.url, application: 'bellows' })
    cleanUp(() => sessions.close())
    const planned = async (migration: Migration, through: Sessions) => {
      const { schema, facts } = await introspect(through, needsOf(migration))
      return { migration, schema, facts }
    }

    const { schema, facts, migration } = await planned({ name: '0001_test', operations }, sessions)
    const other = await planned(
      { name: '0001_test', operations: operations.map(withOtherKeys) },
      inOtherOrder(sessions),
    )
    const plan = makePlan(migration, schema, facts)
    const again = makePlan(
      other.migration,
      withKeysReversed({ tables: other.schema.tables.toReversed() }),
      withKeysReversed(other.facts),
    )
    expect({ ...again, migration }).toEqual(plan)
    expect(again.hash).toBe(plan.hash)
  },
)

function withOtherKeys(operation: Operation): Operation {
  return withKeysReversed(operation)
}

/** Rows come from the last to the first where the question does not end with an order. */
function inOtherOrder(sessions: Sessions): Sessions {
  return {
    ...sessions,
    read: async <R>(query: Sql) => {
      const rows = await sessions.read<R>(query)
      return isOrdered(query) ? rows : rows.toReversed()
    },
    beside: (further, work) => sessions.beside(further, (all) => work(all.map(inOtherOrder))),
  }
}

/** Does the question end with an order, which is of the question itself? */
function isOrdered(query: Sql): boolean {
  const tail = query.slice(query.lastIndexOf('order by'))
  const opened = tail.split('(').length
  const closed = tail.split(')').length
  return query.includes('order by') && closed <= opened
}
