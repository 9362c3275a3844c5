import { describe, expect, test } from 'vitest'
import { stepHazards } from '../../../src/core/plan/hazards.ts'
import { overPartitions } from '../../../src/core/plan/over-partitions.ts'
import type { Lock, StepDraft } from '../../../src/core/plan/step.ts'
import type { Part, Schema, Table } from '../../../src/core/schema/model.ts'
import { sql } from '../../../src/core/sql.ts'
import { foreignKey, table } from '../../support/model.ts'

const part = (name: string, kind: Part['kind'] = 'table'): Part => ({
  namespace: 'old',
  name,
  kind,
  under: { namespace: 'public', name: 'users' },
  owned: true,
  own: [],
})
const USERS = { namespace: 'public', name: 'users' }
const PARTS = [part('a', 'partitioned'), part('b')]
const schema = (kind: Table['kind'], parts: readonly Part[] = PARTS) => ({
  tables: [table({ kind, parts })],
})

const locking = (locks: readonly Lock[]): StepDraft => ({
  kind: 'ddl',
  phase: 'expand',
  does: 'change it',
  hazards: [],
  probe: sql`true`,
  locks,
  requires: [],
  statements: [],
  cost: 'instant',
})
const filling: StepDraft = {
  kind: 'backfill',
  phase: 'backfill',
  does: 'fill it',
  hazards: [],
  table: USERS,
  set: sql`a = b`,
  unfilled: sql`a is null`,
  key: [],
}

describe('a step on a partitioned table', () => {
  test('locks all partitions with it, once each', () => {
    const draft = locking([
      { relation: USERS, level: 'share_row_exclusive' },
      { relation: { namespace: 'old', name: 'b' }, level: 'share_row_exclusive', implied: true },
      { relation: { namespace: 'public', name: 'other' }, level: 'access_exclusive' },
    ])

    expect(overPartitions(draft, schema('partitioned'))).toMatchObject({
      locks: [
        { relation: USERS, level: 'share_row_exclusive' },
        { relation: { namespace: 'old', name: 'a' }, level: 'share_row_exclusive', implied: true },
        { relation: { name: 'b' }, level: 'share_row_exclusive', implied: true },
        { relation: { name: 'other' }, level: 'access_exclusive' },
      ],
    })
  })

  test('locks none where the statement takes the lock of the table alone', () => {
    const draft = locking([{ relation: USERS, level: 'share', implied: true }])
    expect(overPartitions(draft, schema('partitioned'))).toEqual(draft)
  })

  test('locks the partitions that a foreign key points at as it comes, is proved and goes, also of a table that only the key is known of', () => {
    const shops = { namespace: 'public', name: 'shops' }
    const key = foreignKey('of_shop', ['id'], {
      references: shops,
      partnerParts: [{ namespace: 'old', name: 's' }],
    })
    const known = { tables: [table({ constraints: [key] })] }
    const levels = (relation: Lock['relation'], level: Lock['level'], of: Schema) => {
      const draft = overPartitions(locking([{ relation, level, implied: true }]), of)
      return 'locks' in draft ? draft.locks.map((one) => `${one.relation.name} ${one.level}`) : []
    }
    expect(levels(shops, 'share_row_exclusive', known)).toEqual([
      'shops share_row_exclusive',
      's share_row_exclusive',
    ])
    expect(levels(shops, 'row_share', known)).toEqual(['shops row_share', 's access_share'])
    expect(levels(USERS, 'access_exclusive', schema('partitioned'))).toEqual([
      'users access_exclusive',
      'a access_exclusive',
      'b access_exclusive',
    ])
  })

  test('locks none where it is only about the table itself', () => {
    const draft = locking([{ relation: USERS, level: 'access_exclusive', only: true }])
    expect(overPartitions(draft, schema('partitioned'))).toEqual(draft)
  })

  test('goes through the rows of each partition', () => {
    expect(overPartitions(filling, schema('partitioned'))).toEqual({ ...filling, byPartition: true })
  })

  test('is as it was on any other table', () => {
    const draft = locking([{ relation: USERS, level: 'access_exclusive' }])
    expect([draft, filling].map((one) => overPartitions(one, schema('table', [])))).toEqual([draft, filling])
  })

  test('says how many tables are locked where there are many', () => {
    const many = Array.from({ length: 24 }, (_, at) => part(`p${at}`))
    const draft = locking([{ relation: USERS, level: 'access_exclusive' }])

    const [hazard] = stepHazards(overPartitions(draft, schema('partitioned', many)))

    expect(hazard?.because).toMatch(
      /^Every statement on users and p0 and p1 and p2 and 21 more tables, 25 in all, waits/,
    )
  })
})
