import { describe, expect, test } from 'vitest'
import { combined, namesOf, partsOf } from '../../../src/core/history/combine.ts'
import { begunNames, checkFiles } from '../../../src/core/history/files.ts'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { standing } from './runs.ts'

const drop = (column: string): Operation => ({
  kind: 'drop_column',
  namespace: 'public',
  table: 'users',
  column,
})
const A: Migration = { name: '0001_a', operations: [drop('a'), drop('b')] }
const B: Migration = { name: '0002_b', operations: [drop('c')] }

describe('several migrations as one', () => {
  test('have all operations in their order, the name of the last, and come apart again', () => {
    const both = combined([A, B])
    expect(both).toMatchObject({ name: '0002_b', operations: [drop('a'), drop('b'), drop('c')] })
    expect(partsOf(both)).toEqual([A, B])
    expect(namesOf(both)).toEqual(['0001_a', '0002_b'])
  })

  test('are that one where there is but one', () => {
    expect(combined([A])).toBe(A)
    expect(partsOf(A)).toEqual([A])
    expect(namesOf(A)).toEqual(['0001_a'])
  })

  test('are each begun by the one run, and each held against its file', () => {
    const run = standing('0002_b', 'expanding')
    const runs = [{ ...run, plan: { ...run.plan, migration: combined([A, B]) } }]
    const history = { baseline: undefined, runs }
    expect(begunNames(history)).toEqual(new Set(['0001_a', '0002_b']))
    const seen = (content: Migration) => ({ name: content.name, checksum: '', content })
    expect(checkFiles([seen(A), seen(B)], history)).toEqual([])
    expect(checkFiles([seen({ ...A, operations: [drop('a')] })], history)).toMatchObject([
      { migration: '0001_a', kind: 'changed' },
      { migration: '0002_b', kind: 'missing' },
    ])
  })
})
