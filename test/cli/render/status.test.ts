import { describe, expect, test } from 'vitest'
import {
  fillingText,
  type MigrationStatus,
  migrationStatuses,
  renderStatus,
  runStatus,
} from '../../../src/cli/render/status.ts'
import type { History } from '../../../src/core/history/files.ts'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Phase } from '../../../src/core/plan/step.ts'
import type { Run } from '../../../src/core/run/run.ts'
import type { RunState } from '../../../src/core/run/transitions.ts'
import type { Version } from '../../../src/engine/versions.ts'
import { factsWithTypes, schemaOf, table } from '../../support/model.ts'
import { marked, plain } from '../../support/terminals.ts'

const on = { namespace: 'public', table: 'users' } as const
const RENAME: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
const ADD: Operation = { kind: 'add_column', ...on, column: 'slug', type: 'text', nullable: true }

const migration = (name: string, operation: Operation = RENAME): Migration => ({
  name,
  operations: [operation],
})
const known = factsWithTypes({ text: 'text' })

/** A run in a state, with the steps of some phases done. */
const run = (
  state: RunState,
  done: readonly Phase[],
  more: Partial<Run> & { name?: string; operation?: Operation } = {},
): Run => {
  const { name = '0001_rename', operation, ...rest } = more
  const plan = makePlan(migration(name, operation), schemaOf(table()), known)
  return {
    id: 1,
    plan,
    state,
    done: new Set(plan.steps.filter(({ phase }) => done.includes(phase)).map(({ id }) => id)),
    versions: new Set(),
    standsBecause: undefined,
    retiredAt: undefined,
    retiredSeq: undefined,
    purgeAfterMs: undefined,
    ...rest,
  }
}
const LEFT_OUT = (row: string) => ({ table: 'users', row, sqlstate: '22001', message: 'Too long.' })
const version = (number: number, of: number): Version => ({ version: number, run: of }) as Version

describe('the status of a run', () => {
  const before: readonly Phase[] = ['expand', 'backfill', 'verify']

  test.each<[RunState, readonly Phase[], string, string | undefined]>([
    ['planned', [], 'planned', 'expand'],
    ['expanding', [], 'expanding', 'expand'],
    ['expanding', ['expand'], 'expanded', 'backfill'],
    ['backfilling', ['expand'], 'backfilling', 'backfill'],
    ['backfilling', ['expand', 'backfill'], 'backfilled', 'verify'],
    ['verifying', ['expand', 'backfill'], 'verifying', 'verify'],
    ['verifying', before, 'verified', 'contract'],
    ['rolling_out', before, 'at the gate', 'contract'],
    ['retiring', before, 'hidden', 'contract'],
    ['retiring', [...before, 'retire'], 'hidden', 'contract'],
    ['purging', [...before, 'retire'], 'purging', 'contract'],
    ['completed', [...before, 'retire', 'purge'], 'completed', undefined],
    ['rolling_back', before, 'rolling back', 'rollback'],
    ['rolled_back', [], 'rolled back', undefined],
  ])('%s, with %j done, is "%s", and next comes %s', (state, done, stage, next) => {
    const status = runStatus(run(state, done), [])
    expect([status.state, status.stage, status.next]).toEqual([
      state,
      stage,
      next === undefined ? undefined : `bellows ${next} 0001_rename`,
    ])
  })

  test('that is hidden says what drops it, and that it can come back until then', () => {
    const hidden = { retiredAt: '2026-01-01 00:00:00+00' }
    const back = 'until then it comes back by: bellows undo 0001_rename'
    expect(runStatus(run('retiring', [...before, 'retire'], hidden), [])).toMatchObject({
      next: 'bellows contract 0001_rename',
      note: `the next contract drops what is hidden, at once where it names no grace; ${back}`,
    })
    const scheduled = { ...hidden, purgeAfterMs: 86_400_000 }
    expect(runStatus(run('retiring', [...before, 'retire'], scheduled), [])).toMatchObject({
      next: 'bellows reap',
      note: `bellows reap drops what is hidden once it has been so for 24 h 0 min; ${back}`,
    })
    expect(runStatus(run('purging', [...before, 'retire'], scheduled), [])).not.toHaveProperty('note')
  })

  test('goes on where it left off when rows were found unfilled', () => {
    expect(runStatus(run('backfilling', ['expand']), [])).toMatchObject({
      stage: 'backfilling',
      next: 'bellows backfill 0001_rename',
    })
  })

  test('has its versions, and no others', () => {
    const versions = [version(3, 1), version(4, 2), version(5, 1)]
    expect(runStatus(run('expanding', ['expand']), versions).versions).toEqual([3, 5])
  })

  test('says why it stands, if it does', () => {
    expect(runStatus(run('expanding', [], { standsBecause: 'no lock was had' }), [])).toMatchObject({
      because: 'no lock was had',
    })
    expect(runStatus(run('expanding', []), [])).not.toHaveProperty('because')
  })

  test('has no next command when it is over', () => {
    expect(runStatus(run('completed', []), [])).not.toHaveProperty('next')
  })
})

describe('the statuses', () => {
  const history = (runs: readonly Run[], files?: Readonly<Record<string, string>>): History => ({
    baseline: files === undefined ? undefined : { at: '2026-01-01', role: 'me', files, lastRun: 0 },
    runs,
  })

  test('have what counts as applied, and what sorts before it as pending with a note', () => {
    const files = ['0001_a', '0002_b', '0003_c'].map((name) => migration(name))
    const counted = history([], { '0001_a': 'x', '0003_c': 'y' })
    expect(migrationStatuses(files, counted, [])).toMatchObject([
      { migration: '0001_a', state: 'baseline' },
      { migration: '0003_c', state: 'baseline' },
      {
        migration: '0002_b',
        state: 'pending',
        note: 'sorts before 0003_c, which was begun already',
        next: 'bellows expand 0002_b',
      },
    ])
  })

  test('are those of the runs, and then of the files that wait', () => {
    const files = ['0001_a', '0002_b', '0003_c'].map((name) => migration(name))
    const runs = [run('completed', [], { name: '0001_a' }), run('expanding', [], { name: '0002_b', id: 2 })]
    expect(
      migrationStatuses(files, history(runs), []).map(({ migration: name, state, next }) => [
        name,
        state,
        next,
      ]),
    ).toEqual([
      ['0001_a', 'completed', undefined],
      ['0002_b', 'expanding', 'bellows expand 0002_b'],
      ['0003_c', 'pending', 'bellows expand 0003_c'],
    ])
  })

  test('have a run whose file is gone', () => {
    const runs = [run('expanding', [], { name: '0009_gone' })]
    expect(migrationStatuses([], history(runs), []).map(({ migration: name }) => name)).toEqual(['0009_gone'])
  })

  test('have a migration that was rolled back as one that waits', () => {
    const runs = [run('rolled_back', [], { name: '0001_a' })]
    expect(migrationStatuses([migration('0001_a')], history(runs), [])).toEqual([
      {
        migration: '0001_a',
        state: 'pending',
        stage: 'pending',
        versions: [],
        next: 'bellows expand 0001_a',
      },
    ])
  })

  test('have the new run of a migration that was rolled back before', () => {
    const runs = [
      run('rolled_back', [], { name: '0001_a', id: 1 }),
      run('expanding', [], { name: '0001_a', id: 2 }),
    ]
    expect(migrationStatuses([migration('0001_a')], history(runs), []).map(({ state }) => state)).toEqual([
      'expanding',
    ])
  })

  test('are none without files and runs', () => {
    expect(migrationStatuses([], history([]), [])).toEqual([])
  })
})

describe('the table of statuses', () => {
  const status = (more: Partial<MigrationStatus> = {}): MigrationStatus => ({
    migration: '0001_a',
    state: 'expanding',
    stage: 'expanded',
    versions: [],
    ...more,
  })

  test('says how to begin when there is nothing', () => {
    expect(renderStatus([], plain)).toBe('No migrations yet. Write the first one with "bellows new".')
  })

  test.each<[string, MigrationStatus, string]>([
    ['a stage', status(), '0001_a  expanded'],
    ['a version', status({ versions: [3] }), '0001_a  expanded      version 3'],
    ['versions', status({ versions: [3, 4] }), '0001_a  expanded      versions 3, 4'],
    [
      'what comes next',
      status({ next: 'bellows backfill 0001_a' }),
      '0001_a  expanded\n        next: bellows backfill 0001_a',
    ],
    [
      'why it stands, and what comes next',
      status({ because: 'no lock was had', next: 'bellows expand 0001_a' }),
      '0001_a  expanded\n        stands because no lock was had\n        next: bellows expand 0001_a',
    ],
    [
      'what has paused it',
      status({ brake: { pace: 'pause', because: ['paused by ann', 'a commit takes 1 s'] } }),
      '0001_a  expanded\n        paused: paused by ann; a commit takes 1 s',
    ],
    [
      'what slows it',
      status({ brake: { pace: 'slower', because: ['held to 30 % by ann'] } }),
      '0001_a  expanded\n        slowed: held to 30 % by ann',
    ],
    [
      'what it goes on without',
      status({ quarantine: { rows: 2, samples: [LEFT_OUT('id=7'), LEFT_OUT('id=9')] } }),
      '0001_a  expanded\n        2 rows in quarantine: id=7 of "users": Too long. id=9 of "users": Too long.',
    ],
    [
      'some of what it goes on without',
      status({ quarantine: { rows: 3, samples: [LEFT_OUT('id=7')] } }),
      '0001_a  expanded\n        3 rows in quarantine: id=7 of "users": Too long. And 2 more.',
    ],
  ])('shows %s', (_what, one, text) => {
    expect(renderStatus([one], plain)).toBe(text)
  })

  test('lines up', () => {
    const statuses = [
      status({ migration: '0001_a', stage: 'completed', state: 'completed', versions: [1, 2] }),
      status({ migration: '0002_a_longer_name', stage: 'rolling back', versions: [3] }),
      status({ migration: '0003_b', stage: 'pending', state: 'pending', next: 'bellows expand 0003_b' }),
    ]
    expect(renderStatus(statuses, plain)).toBe(`0001_a              completed     versions 1, 2
0002_a_longer_name  rolling back  version 3
0003_b              pending
                    next: bellows expand 0003_b`)
  })

  test('has what is done in green and the rest in yellow', () => {
    expect(renderStatus([status({ state: 'completed', stage: 'completed' })], marked)).toBe(
      '0001_a  <green>completed   </>',
    )
    expect(renderStatus([status({ state: 'retiring', stage: 'hidden', versions: [2] })], marked)).toBe(
      '0001_a  <yellow>hidden      </>  version 2',
    )
  })
})

describe('a run of a single phase', () => {
  test('is done when that phase is', () => {
    expect(runStatus(run('completed', ['expand'], { operation: ADD }), [version(1, 1)])).toEqual({
      migration: '0001_rename',
      state: 'completed',
      stage: 'completed',
      versions: [1],
    })
  })
})

test('who fills is counted, also where nobody does, with what keeps them from the ladder', () => {
  const filling = { run: 1, step: 'm/backfill/1', table: 'users' }
  expect([0, 1, 3].map((workers) => fillingText({ ...filling, workers }))).toEqual([
    'Nobody fills "users" for m/backfill/1.',
    '1 worker fills "users" for m/backfill/1.',
    '3 workers fill "users" for m/backfill/1.',
  ])
  expect(fillingText({ ...filling, workers: 1, heldBy: 'pid 7' })).toBe(
    '1 worker fills "users" for m/backfill/1. In plain ranges for now, because pid 7 keeps dead versions of rows from being pruned.',
  )
})
