import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import {
  changesOf,
  leaversOf,
  type Step,
  type TransactionStep,
  type ValidatePartsStep,
} from '../../../src/core/plan/step.ts'
import { valueKey } from '../../../src/core/schema/facts.ts'
import { column, factsWithTypes, schemaOf, tableWith } from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const rename = (from: string, to: string, table = 'users'): Operation => ({
  kind: 'rename_column',
  ...on,
  table,
  from,
  to,
})
const widen: Operation = { kind: 'change_type', ...on, column: 'count', type: 'bigint' }
const drop = (name: string, table = 'users'): Operation => ({
  kind: 'drop_column',
  ...on,
  table,
  column: name,
})
const columns = [column('name', 'text', { nullable: false }), column('count', 'integer'), column('age')]
const teams = { ...tableWith(columns), name: 'teams' }
const schema = schemaOf(tableWith(columns), teams)
const facts = factsWithTypes(
  { bigint: 'bigint', text: 'text' },
  { casts: { 'integer -> bigint': 'implicit' } },
)
const planOf = (...operations: readonly Operation[]) => makePlan({ name: 'm', operations }, schema, facts)
const ids = (steps: readonly Step[], ...kinds: readonly Step['kind'][]) =>
  steps.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id)
const KINDS = ['install_dual_write', 'backfill', 'verify', 'validate', 'retire', 'purge'] as const
const ALL = [
  'm/expand/1',
  'm/expand/2',
  'm/backfill/1',
  'm/verify/1',
  'm/verify/3',
  'm/retire/1',
  'm/purge/1',
]
const statements = (step: Step | undefined) => (step as TransactionStep).statements

describe('changes of one table', () => {
  const plan = planOf(rename('name', 'full_name'), widen, drop('age'))
  const step = (id: string) => [...plan.steps, ...plan.rollback].find((one) => one.id === id)

  test('are done together, one step for each thing that is to be done', () => {
    expect(ids(plan.steps, ...KINDS)).toEqual(ALL)
    expect(plan.rollback.map(({ does }) => does)).toEqual([
      'bring the column "age" of "users" back; have "count" of "users" be the old column again; bring the column "name" of "users" back',
      expect.stringContaining('drop the column "full_name" of "users" again'),
    ])
  })

  test('have one trigger, and all of it comes in the transaction that adds the columns', () => {
    const texts = statements(step('m/expand/1'))
    expect(texts.filter((one) => one.includes('create trigger "zzz_bellows_dual_write'))).toHaveLength(1)
    expect(texts.filter((one) => one.includes('add column'))).toHaveLength(2)
    expect(new Set(JSON.stringify(plan).match(/zzz_bellows_dual_write_\w+/g)).size).toBe(1)
  })

  test('have each row written once, where one column lacks its value, and by the trigger', () => {
    expect(step('m/backfill/1')).toMatchObject({
      set: expect.stringMatching(/^"full_name" = "full_name", "(bellows_new_\w+)" = "\1"$/),
      unfilled: expect.stringMatching(
        /^\(\("full_name" is null and .*\) or \("bellows_new_.* is null and .*\)\)$/,
      ),
      each: [{ unfilled: expect.stringContaining('"full_name"') }, { unfilled: expect.any(String) }],
      changes: { kind: 'copied', from: 'name', to: 'full_name' },
    })
  })

  test('have each row compared once, and every check proved by one scan', () => {
    expect(step('m/verify/1')).toMatchObject({
      each: [{ columns: { to: 'full_name' } }, { columns: { from: 'count' } }],
    })
    const [validating, ...others] = statements(step('m/verify/3')).filter((one) => one.includes('validate'))
    expect(others).toEqual([])
    expect(validating?.match(/validate constraint/g)).toHaveLength(3)
  })

  test('have all old columns hidden, and dropped, at once', () => {
    expect(leaversOf(step('m/retire/1') as TransactionStep).map((one) => one.column)).toEqual(['name', 'age'])
    const hiding = statements(step('m/retire/1'))
    expect(hiding.filter((one) => one.includes('create or replace function'))).toHaveLength(1)
    expect(changesOf(step('m/purge/1') as Step).map(({ kind }) => kind)).toEqual([
      'removed',
      'changed',
      'removed',
    ])
  })

  test('are done together partition by partition, too', () => {
    const parted = { ...tableWith(columns), kind: 'partitioned' as const }
    const { steps } = makePlan(
      { name: 'm', operations: [rename('name', 'full_name'), widen] },
      schemaOf(parted),
      facts,
    )
    const proving = steps.filter(({ kind }) => kind === 'validate_parts')
    expect(proving).toMatchObject([{ probe: expect.stringContaining('convalidated') }])
    expect((proving[0] as ValidatePartsStep).checks).toHaveLength(3)
    expect(proving[0]?.probe.match(/convalidated/g)).toHaveLength(3)
    expect(steps.filter((one) => 'byPartition' in one).map(({ kind }) => kind)).toEqual([
      'backfill',
      'verify',
    ])
  })

  test('are the same plan for the same input, to the byte', () => {
    const again = planOf(rename('name', 'full_name'), widen, drop('age'))
    expect(JSON.stringify(again)).toBe(JSON.stringify(plan))
    expect(JSON.parse(JSON.stringify(plan))).toStrictEqual(plan)
  })
})

describe('an operation that has nothing to compare', () => {
  const add: Operation = {
    kind: 'add_column',
    ...on,
    column: 'slug',
    type: 'text',
    nullable: false,
    up: 'age',
    default: `'x'`,
  }
  const value = { table: { namespace: 'public', name: 'users' }, fits: { type: 'text' } }
  const values = {
    [valueKey({ ...value, expression: 'age', as: 'row' })]: { text: 'age' },
    [valueKey({ ...value, expression: `'x'`, as: 'default' })]: { text: `'x'::text` },
  }

  test('has its proof put up behind the comparison of those behind it all the same, and is offered with them', () => {
    const { steps } = makePlan({ name: 'm', operations: [add, rename('name', 'full_name')] }, schema, {
      ...facts,
      values,
    })
    const verifying = steps.filter(({ phase }) => phase === 'verify')
    expect(verifying.map(({ kind }) => kind)).toEqual(['verify', 'ddl', 'validate', 'ddl'])
    expect(verifying.at(-1)?.does).toBe('offer "slug" to new instances; offer "full_name" to new instances')
  })
})

describe('what is not done together', () => {
  test('is done to two tables', () => {
    const { steps } = planOf(rename('name', 'full_name'), rename('name', 'full_name', 'teams'))
    expect(ids(steps, 'retire')).toEqual(['m/retire/1', 'm/retire/2'])
  })

  test('has something else taken away in between, which may have to go behind the one and before the other', () => {
    const { steps } = planOf(drop('age'), drop('age', 'teams'), drop('count'))
    expect(ids(steps, 'retire')).toEqual(['m/retire/1', 'm/retire/2', 'm/retire/3'])
  })

  test('is one operation by itself: its plan is the one that it has alone', () => {
    const [alone, beside] = [planOf(widen), planOf(widen, drop('age', 'teams'))]
    const of = (id: string) => [alone, beside].map(({ steps }) => steps.find((one) => one.id === id))
    const [first, second] = of('m/backfill/1')
    expect(first).toMatchObject({ set: expect.stringContaining('"count"::bigint') })
    expect(second).toEqual(first)
  })
})
