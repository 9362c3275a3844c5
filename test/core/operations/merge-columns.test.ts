import { describe, expect, test } from 'vitest'
import { type MergeColumns, mergeColumns } from '../../../src/core/operations/merge-columns.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import {
  column,
  context,
  factsWithTypes,
  mappingFacts,
  schemaOf,
  tableWith,
  told,
} from '../../support/model.ts'

const merge = (more: Partial<MergeColumns> = {}): MergeColumns => ({
  kind: 'merge_columns',
  namespace: 'public',
  table: 'users',
  from: [
    { name: 'first', down: 'lower(name)' },
    { name: 'last', down: 'upper(name)' },
  ],
  to: 'name',
  type: 'text',
  nullable: false,
  up: 'first || last',
  ...more,
})
const of = tableWith([column('first', 'text', { nullable: false }), column('last', 'varchar(20)')])
const seen = (op: MergeColumns) =>
  context(of, factsWithTypes({ text: 'text' }, { mappings: mappingFacts(mergeColumns.needs(op)) }))
const op = merge()
const contract = mergeColumns.contract(op, seen(op))
const retiring = contract.filter(({ kind }) => kind === 'retire')
const planOf = (one: MergeColumns) =>
  makePlan({ name: '0001_test', operations: [one] }, schemaOf(of), seen(one).facts)
const bodyOf = (step: StepDraft | undefined) =>
  (step as TransactionStep).statements.find((one) => one.includes('plpgsql')) ?? ''
const HIDDEN = /new\."bellows_retired_\w+_(first|last)"/g
const hiddenIn = (text: string) => [...new Set([...text.matchAll(HIDDEN)].map(([, name = '']) => name))]

describe('a merge', () => {
  test('touches all of its columns, and asks what hangs on the old ones', () => {
    expect(mergeColumns.needs(op)).toMatchObject({
      tables: [{ name: 'users', columns: ['first', 'last'] }],
      touches: [{ column: 'first' }, { column: 'last' }, { column: 'name' }],
    })
  })

  test('is refused when a column is named twice, or two values cannot be carried back', () => {
    const twice = merge({ from: [op.from[0], op.from[0]] as MergeColumns['from'] })
    expect(told(mergeColumns.check(twice, seen(twice)))[0]?.[1]).toContain('"first" is named twice')
    expect(mergeColumns.check(op, seen(op))).toEqual([])
  })

  test('takes a write of one old column for one of the old shape', () => {
    const [step] = mergeColumns.expand(op, seen(op))
    expect(bodyOf(step)).toContain(
      'pg_catalog.record_image_eq(row(new."first", new."last"), row(old."first", old."last"))',
    )
    expect(bodyOf(step)).toContain('(new."first" is null) and (new."last" is null)')
  })

  test('has a gate for each old column, and passes all before it hides one', () => {
    expect(contract.map(({ kind }) => kind).slice(-5)).toEqual(['gate', 'gate', 'retire', 'retire', 'purge'])
    expect(retiring.map((step) => (step as TransactionStep).retires?.column)).toEqual(['first', 'last'])
  })

  test('hides both columns at once, and the trigger goes on with their hidden names', () => {
    expect(retiring.map((step) => hiddenIn(bodyOf(step)))).toEqual([
      ['first', 'last'],
      ['first', 'last'],
    ])
    const { steps } = planOf(op)
    const [hide, ...others] = steps.filter(({ kind }) => kind === 'retire') as TransactionStep[]
    expect(others).toEqual([])
    expect(hide?.does).toBe('hide the column "first" of "users"; hide the column "last" of "users"')
    expect([hide?.retires, ...(hide?.retiresAlso ?? [])].map((one) => one?.column)).toEqual(['first', 'last'])
    expect(hide?.statements.filter((one) => one.includes('plpgsql'))).toHaveLength(1)
  })

  test('brings them back at once, with the trigger as it was', () => {
    const { rollback } = planOf(op)
    expect(rollback.map(({ does }) => does)).toEqual([
      'bring the column "first" of "users" back; bring the column "last" of "users" back',
      'drop "name" of "users" again',
    ])
    expect(hiddenIn(bodyOf(rollback[0]))).toEqual([])
  })
})
