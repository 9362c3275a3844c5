import { describe, expect, test } from 'vitest'
import { type DropIndex, dropIndex } from '../../../src/core/operations/drop-index.ts'
import { noIdentity } from '../../../src/core/plan/identity.ts'
import type { Index } from '../../../src/core/schema/indexes.ts'
import { context, index, tableWith, told, USERS } from '../../support/model.ts'

const op: DropIndex = { kind: 'drop_index', namespace: 'public', table: 'users', index: 'old' }
const having = (more: Partial<Index> = {}) =>
  context(tableWith([], { indexes: [index('old', ['id'], more)] }))

describe('the check of drop_index', () => {
  test.each<[string, Partial<DropIndex>, Partial<Index>, string, string]>([
    ['of no table', { table: 'nobody' }, {}, 'table_not_found', 'There is no table public.nobody.'],
    ['that is not there', { index: 'no' }, {}, 'plan_refused', 'The table "users" has no index no.'],
    [
      'of a constraint',
      {},
      { constraint: 'old' },
      'plan_refused',
      'The index old carries the constraint old.',
    ],
    [
      'that is the replica identity',
      {},
      { replicaIdentity: true },
      'plan_refused',
      'The index old of "users" is its replica identity: without it every UPDATE and DELETE of a published table fails.',
    ],
    [
      'that CLUSTER goes by',
      {},
      { clustered: true },
      'plan_refused',
      'The index old of "users" is the one that CLUSTER goes by.',
    ],
    [
      'that CLUSTER goes by in a partition',
      {},
      { markedParts: [{ namespace: 'public', name: 'part', replicaIdentity: false }] },
      'plan_refused',
      'The partition public.part has its part of the index old as the one that CLUSTER goes by.',
    ],
    [
      'that a foreign key relies on',
      {},
      { foreignKeys: ['fk on orders'] },
      'plan_refused',
      'The index old of "users" is relied on by the foreign key fk on orders.',
    ],
  ])('refuses one %s', (_what, change, more, code, message) => {
    expect(told(dropIndex.check({ ...op, ...change }, having(more)))).toEqual([[code, message]])
  })
})

describe('drop_index', () => {
  test('does nothing before the purge, and then waits for nobody with a lock', () => {
    expect(dropIndex.expand(op, having())).toEqual([])
    expect(dropIndex.rollback(op, having())).toEqual([])
    expect(dropIndex.contract(op, having())).toMatchObject([
      { kind: 'gate', table: { name: 'users' }, thing: { reach: 'table', shows: [{ by: 'scans' }] } },
      {
        kind: 'outside',
        phase: 'purge',
        locks: [{ level: 'share_update_exclusive' }],
        statements: ['drop index concurrently if exists "public"."old"'],
        requires: [{ code: 'drift_found' }, noIdentity(USERS, { namespace: 'public', name: 'old' })],
      },
    ])
  })

  test.each([
    [false, ['waits_for_transactions', 'slower_queries']],
    [true, ['waits_for_transactions', 'slower_queries', 'allows_duplicates']],
  ])('says what is lost: unique %s', (unique, codes) => {
    expect(dropIndex.contract(op, having({ unique }))[1]?.hazards.map(({ code }) => code)).toEqual(codes)
  })
})
