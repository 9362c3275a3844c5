import { describe, expect, test } from 'vitest'
import { type RenameIndex, renameIndex } from '../../../src/core/operations/rename-index.ts'
import { nameKey } from '../../../src/core/schema/facts.ts'
import type { Index } from '../../../src/core/schema/indexes.ts'
import { context, facts, index, tableWith, told } from '../../support/model.ts'

const op: RenameIndex = { kind: 'rename_index', namespace: 'public', table: 'users', from: 'old', to: 'new' }
const having = (more: Partial<Index> = {}) => ({
  ...context(tableWith([], { indexes: [index('old', ['id'], more)] })),
  facts: facts({ names: { [nameKey({ namespace: 'public', name: 'taken' })]: 'taken' } }),
})

describe('the check of rename_index', () => {
  test.each<[string, Partial<RenameIndex>, Partial<Index>, string, string]>([
    ['of no table', { table: 'nobody' }, {}, 'table_not_found', 'There is no table public.nobody.'],
    ['that is not there', { from: 'no' }, {}, 'plan_refused', 'The table "users" has no index no.'],
    [
      'of a constraint',
      {},
      { constraint: 'old' },
      'plan_refused',
      'The index old carries the constraint old.',
    ],
    ['to a name that is taken', { to: 'users_pkey' }, {}, 'plan_refused', 'There is a users_pkey already.'],
    [
      'to a name that is cut',
      { to: 'x'.repeat(64) },
      {},
      'name_invalid',
      `The name of the index, "${'x'.repeat(64)}", has 64 bytes; PostgreSQL would cut it silently to 63.`,
    ],
    ['to a name of another thing', { to: 'taken' }, {}, 'plan_refused', 'There is a taken already.'],
  ])('refuses one %s', (_what, change, more, code, message) => {
    expect(told(renameIndex.check({ ...op, ...change }, having(more)))).toEqual([[code, message]])
  })
})

test('rename_index takes a name that an index of the table has given up before', () => {
  const given = context(tableWith([], { indexes: [index('old', ['id']), index('taken', ['id'])] })).schema
  expect(told(renameIndex.check({ ...op, to: 'taken' }, { ...having(), given }))).toEqual([])
})

test('rename_index is one short transaction that locks the index alone, and so is its way back', () => {
  const [[forth], [back]] = [renameIndex.expand(op, having()), renameIndex.rollback(op, having())]
  const common = { kind: 'ddl', phase: 'expand', cost: 'instant' }
  const lock = { level: 'share_update_exclusive', implied: true }
  expect(forth).toMatchObject({
    ...common,
    locks: [{ ...lock, relation: { namespace: 'public', name: 'users' } }],
    statements: ['alter index "public"."old" rename to "new"'],
  })
  expect(back).toMatchObject({
    ...common,
    locks: [{ ...lock, relation: { namespace: 'public', name: 'users' } }],
    statements: ['alter index "public"."new" rename to "old"'],
  })
})
