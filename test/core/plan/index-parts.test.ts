import { describe, expect, test } from 'vitest'
import { createIndex } from '../../../src/core/operations/create-index.ts'
import { dropIndex } from '../../../src/core/operations/drop-index.ts'
import { loosePartName } from '../../../src/core/plan/index-parts.ts'
import type { Part } from '../../../src/core/schema/model.ts'
import { context, facts, index, table, told, triedIndex } from '../../support/model.ts'

const DEFINITION = 'create index on users (name)'
const op = { kind: 'create_index', definition: DEFINITION } as const
const part = (name: string, kind: Part['kind'] = 'table', owned = true): Part => ({
  namespace: 'public',
  name,
  kind,
  under: { namespace: 'public', name: 'users' },
  owned,
  own: [],
})
const known = (parts: readonly Part[]) =>
  context(
    table({ kind: 'partitioned', parts, indexes: [index('old', ['id'])] }),
    facts({ indexes: { [DEFINITION]: triedIndex('users_name_idx', ['name']) } }),
  )

describe('an index of a partitioned table', () => {
  test('is made for the table alone, and then for each partition', () => {
    expect(createIndex.check(op, known([part('a')]))).toEqual([])
    expect(createIndex.expand(op, known([part('a', 'partitioned'), part('b')]))).toMatchObject([
      {
        kind: 'ddl',
        makes: { name: 'users_name_idx' },
        locks: [{ relation: { name: 'users' }, level: 'share', implied: true }],
        statements: ['create index "users_name_idx" on only "public"."users" USING btree (name)'],
      },
      {
        kind: 'index_parts',
        how: 'build',
        locks: [
          { relation: { name: 'users' }, level: 'share_update_exclusive' },
          { relation: { name: 'a' }, level: 'share_update_exclusive' },
          { relation: { name: 'a' }, level: 'share' },
          { relation: { name: 'b' }, level: 'access_exclusive' },
        ],
        nameParts: ['name'],
      },
    ])
  })

  test('goes back without what was not attached, and then as a whole', () => {
    expect(createIndex.rollback(op, known([part('a')]))).toMatchObject([
      { kind: 'index_parts', how: 'drop', unmakes: { name: 'users_name_idx' } },
      {
        kind: 'ddl',
        unmakes: { name: 'users_name_idx' },
        locks: [
          { relation: { name: 'users' }, level: 'access_exclusive' },
          { relation: { name: 'a' }, level: 'access_exclusive', implied: true },
        ],
        statements: ['drop index "public"."users_name_idx" restrict'],
      },
    ])
  })

  test('is dropped in the purge under a lock on the whole', () => {
    const drop = { kind: 'drop_index', namespace: 'public', table: 'users', index: 'old' } as const
    expect(dropIndex.contract(drop, known([part('a')]))).toMatchObject([
      { kind: 'gate' },
      { kind: 'purge', phase: 'purge', locks: [{ level: 'access_exclusive' }, { implied: true }] },
    ])
  })

  test.each([
    [part('a', 'foreign'), 'The partition public.a is a foreign table.'],
    [
      part('a', 'table', false),
      'The connected role may not change the partition public.a: it is not a member of the role that owns it.',
    ],
  ])('is refused with such a partition: %#', (one, message) => {
    expect(told(createIndex.check(op, known([one])))).toEqual([['plan_refused', message]])
  })

  test('is known by its name until it is attached, also where the names of two partitions are cut alike', () => {
    const prefix = 'bellows_part_12345678_'
    const names = ['a', 'b'].map((end) => loosePartName({ prefix }, part(`${'x'.repeat(62)}${end}`)))
    expect(new Set(names).size).toBe(2)
    expect(names.every((name) => name.startsWith(prefix) && name.length === 63)).toBe(true)
  })
})
