import { expect, test } from 'vitest'
import type { Touch } from '../../../src/core/operations/needs.ts'
import { areOnAdded } from '../../../src/core/plan/on-added.ts'

const touch = (table: string, how: Touch['how'], column?: string): Touch => ({
  table: { namespace: 'public', name: table },
  how,
  ...(column === undefined ? {} : { column }),
})

test('an operation is on what is added in front of it: the same thing, or a part of it', () => {
  const each = [
    [touch('users', 'uses', 'slug')],
    [touch('users', 'adds', 'slug')],
    [touch('users', 'replaces', 'slug')],
    [touch('users', 'uses', 'name'), touch('orders', 'uses', 'slug')],
    [touch('days', 'adds')],
    [touch('users', 'uses', 'name'), touch('days', 'uses', 'day')],
  ].map((touches) => ({ touches }))
  expect(areOnAdded(each)).toEqual([false, false, true, false, false, true])
})
