import { describe, expect, test } from 'vitest'
import { type Change, versionName } from '../../../src/core/plan/change.ts'
import { isTransaction, LOCK_LEVELS, PHASES, type Step } from '../../../src/core/plan/step.ts'

describe('a version', () => {
  test.each<[Change, string]>([
    [{ kind: 'added', column: 'full_name' }, 'add_full_name_column'],
    [{ kind: 'copied', from: 'name', to: 'full_name' }, 'copy_name_to_full_name'],
    [{ kind: 'removed', column: 'name' }, 'remove_name_column'],
    [{ kind: 'added', column: 'Full Name' }, 'add_Full Name_column'],
  ])('of %j is called %s', (change, name) => {
    expect(versionName(change)).toBe(name)
  })
})

describe('a step', () => {
  const common = { id: 'x', phase: 'expand', does: '', hazards: [], probe: '' }
  const table = { namespace: 'public', name: 'users' }
  const transaction = { ...common, locks: [], requires: [], statements: [], cost: 'instant' }

  test.each<[Step['kind'], object, boolean]>([
    ['ddl', transaction, true],
    ['install_dual_write', transaction, true],
    ['validate', transaction, true],
    ['retire', transaction, true],
    ['purge', transaction, true],
    ['concurrent_index', { ...common, locks: [], index: table, statement: '' }, false],
    ['backfill', { ...common, table, set: '', unfilled: '', key: [] }, false],
    ['verify', { ...common, table, unfilled: '', relation: '', lossy: '', key: [] }, false],
    ['gate', { ...common, table, column: 'a' }, false],
  ])('%s is a transaction: %#', (kind, fields, expected) => {
    expect(isTransaction({ kind, ...fields } as Step)).toBe(expected)
  })
})

describe('the lists', () => {
  test('of phases and lock levels are in their order', () => {
    expect(PHASES).toEqual(['expand', 'backfill', 'verify', 'rollout', 'retire', 'purge'])
    expect(LOCK_LEVELS[0]).toBe('access_share')
    expect(LOCK_LEVELS.at(-1)).toBe('access_exclusive')
    expect(new Set(LOCK_LEVELS).size).toBe(8)
  })
})
