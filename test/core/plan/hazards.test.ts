import { describe, expect, test } from 'vitest'
import { keepsOldClients, stepHazards } from '../../../src/core/plan/hazards.ts'
import type { Lock, Step, StepDraft, TransactionStep } from '../../../src/core/plan/step.ts'
import { sql } from '../../../src/core/sql.ts'
import { USERS } from '../../support/model.ts'

const ddl = (more: Partial<TransactionStep> = {}): StepDraft => ({
  kind: 'ddl',
  phase: 'expand',
  does: 'do something',
  hazards: [],
  probe: sql`true`,
  locks: [],
  requires: [],
  statements: [],
  cost: 'instant',
  ...more,
})

const on = (name: string, level: Lock['level'], more: Partial<Lock> = {}): Lock => ({
  relation: { namespace: 'public', name },
  level,
  ...more,
})

const MANY = Array.from({ length: 60 }, (_, at) =>
  on(`users_${at}`, 'access_exclusive', { partOf: { namespace: 'public', name: 'users' } }),
)

const STOPS = {
  code: 'stops_clients',
  because:
    'Every statement on users waits while the step holds its lock: for the lock timeout at most, and then for some milliseconds.',
}
const SCANS = { code: 'scans', because: 'Reads the whole table once; readers and writers go on.' }

describe('the hazards of a step', () => {
  test.each<[string, StepDraft, readonly unknown[]]>([
    ['without locks', ddl(), []],
    ['with weak locks', ddl({ locks: [on('users', 'share_row_exclusive'), on('users', 'row_share')] }), []],
    ['that stops clients', ddl({ locks: [on('users', 'access_exclusive')] }), [STOPS]],
    [
      'that hands over the keys of all partitions',
      ddl({
        locks: [on('users', 'access_exclusive'), on('users_1', 'access_exclusive', { implied: true })],
        stands: [],
      }),
      [
        {
          ...STOPS,
          because: STOPS.because
            .replace('users', 'users and users_1')
            .replace(
              'some milliseconds',
              'some 3 milliseconds, as the keys of all partitions go over together; on a server that has more to do than it has cores for, several times that',
            ),
        },
      ],
    ],
    [
      'that changes many partitions',
      ddl({ locks: MANY, statements: [sql`alter table users add a int, add b int`] }),
      [
        {
          ...STOPS,
          because: STOPS.because
            .replace('users', 'users_0 and users_1 and users_2 and users_3 and 56 more tables, 60 in all,')
            .replace(
              'some milliseconds',
              'some 14 milliseconds, as each of them is changed; on a server that has more to do than it has cores for, several times that',
            ),
        },
      ],
    ],
    ['that scans', ddl({ cost: 'scan', locks: [on('users', 'share_update_exclusive')] }), [SCANS]],
    ['that does both', ddl({ cost: 'scan', locks: [on('users', 'access_exclusive')] }), [STOPS, SCANS]],
    [
      'that stops two tables, one of them with its statements',
      ddl({ locks: [on('users', 'access_exclusive'), on('Teams', 'access_exclusive', { implied: true })] }),
      [{ ...STOPS, because: STOPS.because.replace('users', 'users and "Teams"') }],
    ],
    [
      'that locks one table twice',
      ddl({ locks: [on('users', 'access_exclusive'), on('users', 'access_exclusive')] }),
      [STOPS],
    ],
    [
      'that builds an index concurrently',
      {
        kind: 'concurrent_index',
        phase: 'verify',
        does: 'build',
        hazards: [],
        probe: sql`true`,
        locks: [on('users', 'share_update_exclusive')],
        index: USERS,
        statement: sql`x`,
      },
      [],
    ],
    [
      'that fills',
      {
        kind: 'backfill',
        phase: 'backfill',
        does: 'fill',
        hazards: [],
        table: USERS,
        set: sql`x`,
        unfilled: sql`x`,
        key: [],
      },
      [],
    ],
    [
      'that compares',
      {
        kind: 'verify',
        phase: 'verify',
        does: 'compare',
        hazards: [],
        table: USERS,
        unfilled: sql`x`,
        relation: sql`x`,
        lossy: sql`x`,
        key: [],
        columns: { from: 'a', to: 'b' },
      },
      [],
    ],
    [
      'that waits at a gate',
      {
        kind: 'gate',
        phase: 'rollout',
        does: 'wait',
        hazards: [],
        probe: sql`true`,
        table: USERS,
        column: 'a',
      },
      [],
    ],
  ])('%s', (_what, step, expected) => {
    expect(stepHazards(step)).toEqual(expected)
  })

  test('do not repeat what the operation says itself', () => {
    const own = { code: 'drops_values', because: 'x' } as const
    expect(stepHazards(ddl({ hazards: [own] }))).toEqual([])
  })
})

describe('old clients', () => {
  const step = (kind: TransactionStep['kind']) => ({ ...ddl({ kind }), id: 'x' }) as Step

  test.each<[string, readonly Step[], boolean]>([
    ['no step', [], true],
    ['changes beside them', [step('ddl'), step('install_dual_write'), step('validate')], true],
    ['a column that is hidden', [step('ddl'), step('retire')], false],
    ['a column that is dropped', [step('purge')], false],
  ])('go on with %s: %#', (_what, steps, expected) => {
    expect(keepsOldClients(steps)).toBe(expected)
  })
})
