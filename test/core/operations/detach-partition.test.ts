import { describe, expect, test } from 'vitest'
import { type DetachPartition, detachPartition } from '../../../src/core/operations/detach-partition.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import type { Sql } from '../../../src/core/sql.ts'
import { context, facts, schemaOf, table, told } from '../../support/model.ts'

const op: DetachPartition = {
  kind: 'detach_partition',
  namespace: 'public',
  table: 'users',
  partition: 'old',
}
const [question] = detachPartition.needs(op).questions as readonly [Sql]
const PART = {
  namespace: 'public',
  name: 'old',
  kind: 'table',
  under: { namespace: 'public', name: 'users' },
  owned: true,
  own: [],
} as const
const BOUNDS = { bounds: 'FOR VALUES IN (1)', proof: '(id = 1)', fallback: null }

const known = (whole: Partial<Table> = {}, answer: readonly Record<string, unknown>[] = [BOUNDS]) => {
  const parted = table({ kind: 'partitioned', parts: [PART], ...whole })
  return {
    ...context(parted, facts({ answers: { [question]: answer } })),
    schema: schemaOf(parted, table({ name: 'old', kind: 'partition' })),
  }
}

describe('the check of detach_partition', () => {
  test.each<[string, ReturnType<typeof known>, string]>([
    [
      'a plain table',
      { ...known(), schema: schemaOf(table({ kind: 'partitioned' }), table({ name: 'old' })) },
      '"old" is no partition of "users" itself.',
    ],
    ['one of another table', known({}, []), '"old" is no partition of "users" itself.'],
    [
      'one beside a default partition',
      known({}, [{ ...BOUNDS, fallback: 'rest' }]),
      '"users" has the default partition rest: rows that belong to "old" would go there and stand in the way back, and PostgreSQL detaches beside one only while everybody waits.',
    ],
    [
      'one at which a foreign key may point',
      known({
        referencedBy: [
          { table: { namespace: 'public', name: 'notes' }, constraint: 'k', identity: 'k on notes' },
        ] as unknown as Table['referencedBy'],
      }),
      'The foreign key k on notes points at "users", and may point at rows of "old".',
    ],
  ])('refuses %s', (_what, of, message) => {
    expect(told(detachPartition.check(op, of))).toEqual([['plan_refused', message]])
  })
})

test('detach_partition takes rows from readers in the contract alone, and gives them back until the purge', () => {
  const [expand, contract, back] = [
    detachPartition.expand(op, known()),
    detachPartition.contract(op, known()),
    detachPartition.rollback(op, known()),
  ]
  expect(expand.map(({ kind }) => kind)).toEqual(['ddl', 'validate'])
  expect(contract).toMatchObject([
    { kind: 'gate', table: { name: 'users' }, thing: { reach: 'table' } },
    {
      kind: 'outside',
      phase: 'retire',
      statements: ['alter table "public"."users" detach partition "public"."old" concurrently'],
      begun: { statement: 'alter table "public"."users" detach partition "public"."old" finalize' },
    },
    { kind: 'purge', phase: 'purge' },
  ])
  expect(back).toMatchObject([
    {
      kind: 'outside',
      phase: 'retire',
      statements: ['alter table "public"."users" detach partition "public"."old" finalize'],
    },
    {
      kind: 'ddl',
      phase: 'retire',
      statements: ['alter table "public"."users" attach partition "public"."old" FOR VALUES IN (1)'],
    },
    { kind: 'ddl', phase: 'expand' },
  ])
})
