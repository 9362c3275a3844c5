import { describe, expect, test } from 'vitest'
import { attachPartition } from '../../../src/core/operations/attach-partition.ts'
import type { AttachPartition } from '../../../src/core/operations/partition/attach.ts'
import { boundKey } from '../../../src/core/schema/bounds.ts'
import type { Table } from '../../../src/core/schema/model.ts'
import type { Sql } from '../../../src/core/sql.ts'
import {
  check,
  column,
  context,
  facts,
  foreignKey,
  index,
  schemaOf,
  table,
  told,
  trigger,
} from '../../support/model.ts'

const op: AttachPartition = {
  kind: 'attach_partition',
  namespace: 'public',
  table: 'users',
  partition: 'old',
  bounds: 'for values in (1)',
}
const [question] = attachPartition.needs(op).questions as readonly [Sql]
const key = boundKey({ table: { namespace: 'public', name: 'users' }, bounds: op.bounds })
const CHECK = check('short', ['name'], 'CHECK (length(name) < 9)')
const BASE = {
  columns: [column('id', 'bigint', { nullable: false }), column('name')],
  constraints: [CHECK],
  indexes: [index('by_name', ['name'])],
}
const fallback = (bytes: number, partitioned = false) => ({
  [question]: [{ namespace: 'public', name: 'rest', bytes, partitioned }],
})
const known = (part: Partial<Table> = {}, answers = {}, whole: Partial<Table> = {}) => {
  const parted = table({ ...BASE, kind: 'partitioned', ...whole })
  return {
    ...context(
      parted,
      facts({ bounds: { [key]: { proof: '(id = 1)' } }, answers: { [question]: [], ...answers } }),
    ),
    schema: schemaOf(parted, table({ ...BASE, indexes: [oldIndex()], name: 'old', ...part })),
  }
}
const oldIndex = () => ({
  ...index('mine', ['name']),
  definition: index('by_name', ['name']).definition.replace('by_name', 'mine').replace('.users', '.old'),
})

describe('the check of attach_partition', () => {
  test('takes nothing for a table with an exclusion constraint, one like which PostgreSQL would not take over', () => {
    const alone = {
      ...CHECK,
      name: 'alone',
      kind: 'exclusion',
      definition: 'EXCLUDE USING btree (id WITH =)',
    } as const
    const both = { constraints: [CHECK, alone] }
    expect(told(attachPartition.check(op, known(both, {}, both)))).toEqual([
      [
        'plan_refused',
        'PostgreSQL builds the exclusion constraint alone of "users" for a partition that is attached, also beside one like it, while nobody can use that.',
      ],
    ])
  })

  test('takes a table that has all that the partitioned one has', () => {
    expect(told(attachPartition.check(op, known()))).toEqual([])
  })

  test.each<[string, Partial<Table>, string]>([
    ['without a column', { columns: BASE.columns.slice(1) }, '"old" has no column "id".'],
    ['with a column more', { columns: [...BASE.columns, column('x')] }, '"old"."x" is no column of "users".'],
    [
      'with another type',
      { columns: [column('id', 'integer', { nullable: false }), column('name')] },
      '"old"."id" is of type integer, not bigint.',
    ],
    ['that takes NULL', { columns: [column('id', 'bigint'), column('name')] }, '"old"."id" takes NULL.'],
    [
      'with an identity',
      { columns: [column('id', 'bigint', { nullable: false, identity: 'always' }), column('name')] },
      '"old"."id" is an identity column.',
    ],
    [
      'without a check',
      { constraints: [] },
      '"old" lacks the constraint short of "users": CHECK (length(name) < 9).',
    ],
    [
      'with a check of another name',
      { constraints: [{ ...CHECK, name: 'other' }] },
      '"old" lacks the constraint short of "users": CHECK (length(name) < 9).',
    ],
    [
      'with a check that is not proved',
      { constraints: [{ ...CHECK, validated: false }] },
      '"old" lacks the constraint short of "users": CHECK (length(name) < 9).',
    ],
    [
      'without an index',
      { indexes: [] },
      '"old" lacks an index like by_name of "users", which would be built while nobody can use it.',
    ],
    [
      'with an invalid one',
      { indexes: [{ ...oldIndex(), valid: false }] },
      '"old" lacks an index like by_name of "users", which would be built while nobody can use it.',
    ],
    [
      'that is a partition',
      { kind: 'partition' },
      'public.old is a partition, which this operation does not support yet.',
    ],
  ])('refuses a table %s', (_what, part, message) => {
    expect(told(attachPartition.check(op, known(part)))).toEqual([['plan_refused', message]])
  })

  test('refuses triggers of one name, of which there can be no more than one', () => {
    const triggers = [trigger('twice')]
    expect(told(attachPartition.check(op, known({ triggers }, {}, { triggers })))).toEqual([
      ['plan_refused', 'Both have a trigger twice.'],
    ])
  })

  test('refuses a large default partition, unless it is said what becomes of its rows', () => {
    const large = known({}, fallback(2_000_000))
    expect(told(attachPartition.check(op, large))).toEqual([
      [
        'plan_refused',
        'The default partition rest of "users" has 2000000 bytes, and has to be read for rows that belong to "old".',
      ],
    ])
    expect(told(attachPartition.check({ ...op, refuseInDefault: true }, large))).toEqual([])
    expect(told(attachPartition.check(op, known({}, fallback(1000))))).toEqual([])
  })

  test('refuses a default partition that is partitioned itself, whose size says nothing', () => {
    expect(
      told(attachPartition.check({ ...op, refuseInDefault: true }, known({}, fallback(0, true)))),
    ).toEqual([
      [
        'plan_refused',
        'The default partition rest of "users" is partitioned itself, and its rows would be read while nobody can use them.',
      ],
    ])
  })

  test('refuses a table that foreign keys point at, from another one or from itself: the way back would look through it', () => {
    const self = foreignKey('boss', ['id'], { references: { namespace: 'public', name: 'users' } })
    const orders = { namespace: 'public', name: 'orders' }
    const pointing = { table: orders, constraint: 'team', identity: 'team on public.orders' }
    const whole = { constraints: [CHECK, self], referencedBy: [pointing] }
    const answers = told(attachPartition.check(op, known({ constraints: [CHECK, self] }, {}, whole)))
    expect(answers.map(([code, message]) => [code, message.replace(/:.*/, '')])).toEqual([
      ['plan_refused', 'The foreign key team on public.orders points at "users"'],
      ['plan_refused', 'The foreign key boss on public.users points at "users"'],
    ])
  })

  test('refuses bounds that the server does not take', () => {
    const { schema, ...rest } = known()
    const wrong = { ...rest, schema, facts: facts({ ...rest.facts, bounds: { [key]: { problem: 'no' } } }) }
    expect(told(attachPartition.check(op, wrong))).toEqual([
      ['plan_refused', 'The bounds of "old" (for values in (1)) cannot be used: no.'],
    ])
  })
})

describe('the steps of attach_partition', () => {
  const kinds = (of: AttachPartition, answers: object) =>
    attachPartition.expand(of, known({}, answers)).map(({ kind, does }) => `${kind}: ${does}`)

  test('prove the rows before it is attached', () => {
    expect(kinds(op, {})).toEqual([
      'inspect: look for rows of "old" that are not within the bounds',
      'ddl: let "old" take no row that is not within the bounds',
      'validate: prove that every row of "old" is within the bounds',
      'ddl: attach "old" to "users"',
    ])
    expect(attachPartition.expand(op, known()).at(-1)).toMatchObject({
      cost: 'instant',
      locks: [
        { relation: { name: 'old' }, level: 'access_exclusive' },
        { relation: { name: 'users' }, level: 'share_update_exclusive', implied: true },
      ],
      requires: [{ code: 'drift_found' }, { otherwise: expect.stringContaining('has no replica identity') }],
      statements: ['alter table "public"."users" attach partition "public"."old" for values in (1)'],
    })
  })

  test('read a small default partition as it is attached, and only while it is small', () => {
    const attach = attachPartition.expand(op, known({}, fallback(1000))).at(-1)
    expect(attach).toMatchObject({ cost: 'small', requires: [{}, { code: 'drift_found' }, {}] })
    expect(attach).toMatchObject({
      locks: [{}, {}, { relation: { name: 'rest' }, level: 'access_exclusive' }],
    })
  })

  test('prove a large one before, which refuses rows from then on', () => {
    const steps = attachPartition.expand({ ...op, refuseInDefault: true }, known({}, fallback(2_000_000)))
    expect(steps.flatMap(({ hazards }) => hazards.map(({ code }) => code))).toContain('old_writers_may_fail')
    expect(steps.map((step) => ('statements' in step ? step.statements[0] : '')).join('\n')).toContain(
      'check (not ((id = 1))) not valid',
    )
    expect(steps.at(-1)).toMatchObject({ cost: 'instant' })
  })

  test('go back without stopping anybody, but beside a default partition', () => {
    const back = (answers: object) => attachPartition.rollback(op, known({}, answers))[0]
    expect(back({})).toMatchObject({
      kind: 'outside',
      statements: ['alter table "public"."users" detach partition "public"."old" concurrently'],
      begun: { statement: 'alter table "public"."users" detach partition "public"."old" finalize' },
    })
    expect(back(fallback(1000))).toMatchObject({
      kind: 'ddl',
      statements: ['alter table "public"."users" detach partition "public"."old"'],
    })
  })
})
