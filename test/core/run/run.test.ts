import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import { PHASES, type Phase } from '../../../src/core/plan/step.ts'
import type { RolloutEvent } from '../../../src/core/rollout/event.ts'
import type { Event, JournalEntry, Verdict } from '../../../src/core/run/event.ts'
import { foldRun, isOver, isThrough, type Run, stepById, stepsLeft } from '../../../src/core/run/run.ts'
import type { RunState } from '../../../src/core/run/transitions.ts'
import { column, facts, schemaOf, tableWith } from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
// On a table of its own, or both would be hidden at once.
const drop: Operation = { kind: 'drop_column', ...on, table: 'teams', column: 'age' }
// Nobody writes it, so nothing is counted before the gate.
const computed = column('age', 'text', { generated: 'stored' })
const users = schemaOf(tableWith([column('name')]), { ...tableWith([computed]), name: 'teams' })
const plan = makePlan({ name: 'm', operations: [rename, drop] }, users, facts())

const AT = '2026-01-02T03:04:05Z'
const entriesOf = (events: readonly Event[], run = 1): readonly JournalEntry[] =>
  events.map((event, at) => ({ seq: at + 1, run, at: AT, event }))
const runAfter = (...events: readonly Event[]): Run => foldRun({ id: 1, plan }, entriesOf(events))

const entered = (phase: Phase): Event => ({ type: 'phase_entered', phase })
const started = (step: string): Event => ({ type: 'step_started', step })
const done = (step: string): Event => ({ type: 'step_done', step, how: 'performed' })
const failed = (step: string, message = 'it failed'): Event => ({
  type: 'step_failed',
  step,
  code: 'statement_failed',
  message,
})
const verdict = (more: Partial<Verdict>): Verdict => ({
  rows: 10,
  unfilled: 0,
  diverged: 0,
  lossy: 0,
  samples: [],
  ...more,
})
const unverified = (more: Partial<Verdict>): Event => ({
  type: 'verification_failed',
  step: 'm/verify/1',
  verdict: verdict(more),
})
const closed = (...because: readonly string[]): Event => ({ type: 'gate_closed', because, blocking: [] })
const rollout = (event: RolloutEvent): Event => ({ type: 'rollout', event })
const opened: Event = { type: 'gate_opened', because: [], overrides: [] }
const applied = (name: string): Event => ({
  type: 'version_applied',
  name,
  facts: { change: { kind: 'added', column: 'x' }, table: { namespace: 'public', name: 'users' } },
})
const withdrawn = (name: string): Event => ({ type: 'version_withdrawn', version: 1, name })
const idsOf = (...phases: readonly Phase[]) =>
  plan.steps.filter(({ phase }) => phases.includes(phase)).map(({ id }) => id)
/** A phase that is entered, with all its steps done. */
const through = (phase: Phase): readonly Event[] => [entered(phase), ...idsOf(phase).map(done)]
const untilRetired = (['expand', 'backfill', 'verify', 'rollout', 'retire'] as const).flatMap(through)

describe('a run', () => {
  test('that has no events yet is planned', () => {
    expect(runAfter()).toEqual({
      id: 1,
      plan,
      state: 'planned',
      done: new Set(),
      versions: new Set(),
      standsBecause: undefined,
      retiredAt: undefined,
      retiredSeq: undefined,
    })
  })

  test('hears only of itself', () => {
    const others = entriesOf([entered('expand'), done('m/expand/1')], 2)
    expect(foldRun({ id: 1, plan }, others)).toEqual(runAfter())
  })

  test.each<[string, readonly Event[], RunState]>([
    ['expand', [entered('expand')], 'expanding'],
    ['backfill', [entered('expand'), entered('backfill')], 'backfilling'],
    ['verify', [entered('verify')], 'verifying'],
    ['rollout', [entered('rollout')], 'rolling_out'],
    ['retire', [entered('retire')], 'retiring'],
    ['purge', [entered('purge')], 'purging'],
    ['the end', [...untilRetired, ...through('purge'), { type: 'run_completed' }], 'completed'],
    ['the beginning of a return', [entered('expand'), { type: 'rollback_started' }], 'rolling_back'],
    [
      'the end of a return',
      [entered('expand'), { type: 'rollback_started' }, { type: 'run_rolled_back' }],
      'rolled_back',
    ],
    ['an undo', [...untilRetired, { type: 'retire_undone' }], 'rolling_out'],
    [
      'a comparison that found unfilled rows',
      [entered('verify'), unverified({ unfilled: 1 })],
      'backfilling',
    ],
    ['a comparison that found differing rows', [entered('verify'), unverified({ diverged: 1 })], 'verifying'],
    ['a step', [entered('expand'), started('m/expand/1')], 'expanding'],
    ['a failed step', [entered('expand'), failed('m/expand/1')], 'expanding'],
    ['a closed gate', [entered('rollout'), closed('x')], 'rolling_out'],
    ['a version', [entered('expand'), applied('v')], 'expanding'],
  ])('stands where its events have led it: %s', (_what, events, state) => {
    expect(runAfter(...events).state).toBe(state)
  })

  test.each<[string, readonly Event[], string | undefined]>([
    ['nothing', [entered('expand')], undefined],
    ['what failed', [entered('expand'), failed('m/expand/1', 'no lock was had')], 'no lock was had'],
    ['the last of what failed', [failed('m/expand/1', 'one'), failed('m/expand/1', 'two')], 'two'],
    ['nothing once it was tried again', [failed('m/expand/1'), started('m/expand/1')], undefined],
    ['nothing once it was done', [failed('m/expand/1'), done('m/expand/1')], undefined],
    ['nothing once the next phase began', [failed('m/expand/1'), entered('backfill')], undefined],
    [
      'what failed, while its phase is entered again',
      [entered('expand'), failed('m/expand/1', 'one'), entered('expand')],
      'one',
    ],
    ['what the gate waits for', [entered('rollout'), closed('a uses x', 'b uses x')], 'a uses x; b uses x'],
    ['nothing once the gate has opened', [entered('rollout'), closed('a'), opened], undefined],
    [
      'the rows that differ',
      [entered('verify'), unverified({ diverged: 3 })],
      'the verification found 3 diverged and 0 unfilled rows',
    ],
    [
      'the rows that are unfilled',
      [entered('verify'), unverified({ diverged: 1, unfilled: 2 })],
      'the verification found 1 diverged and 2 unfilled rows',
    ],
    ['nothing once it goes back', [failed('m/expand/1'), { type: 'rollback_started' }], undefined],
    ['what failed, whatever versions stand', [failed('m/expand/1', 'one'), applied('v')], 'one'],
  ])('stands because of %s', (_what, events, because) => {
    expect(runAfter(...events).standsBecause).toBe(because)
  })

  test.each<[string, readonly Event[], readonly string[]]>([
    ['no step', [], []],
    ['a step that was performed', [done('m/expand/1')], ['m/expand/1']],
    [
      'a step that was found done',
      [{ type: 'step_done', step: 'm/expand/1', how: 'found_done' }],
      ['m/expand/1'],
    ],
    ['a step once, however often it is told', [done('m/expand/1'), done('m/expand/1')], ['m/expand/1']],
    ['no step that was only begun', [started('m/expand/1'), failed('m/expand/1')], []],
    [
      'no step of data and proof after unfilled rows were found',
      [...through('expand'), ...through('backfill'), entered('verify'), unverified({ unfilled: 1 })],
      ['m/expand/1'],
    ],
    [
      'every step after differing rows were found',
      [...through('expand'), ...through('backfill'), entered('verify'), unverified({ diverged: 1 })],
      ['m/expand/1', 'm/backfill/1'],
    ],
    [
      'no step of the contract after an undo',
      [...untilRetired, { type: 'retire_undone' }],
      [...idsOf('expand', 'backfill', 'verify')],
    ],
    [
      'every step after the return has begun',
      [...through('expand'), { type: 'rollback_started' }],
      ['m/expand/1'],
    ],
  ])('has done %s', (_what, events, ids) => {
    expect([...runAfter(...events).done]).toEqual(ids)
  })

  test('remembers when the column was hidden, and forgets it when that is undone', () => {
    const [retire = ''] = idsOf('retire')
    expect(runAfter(...through('expand')).retiredAt).toBeUndefined()
    expect(runAfter(done(retire)).retiredAt).toBe(AT)
    expect(runAfter(...untilRetired, { type: 'retire_undone' }).retiredAt).toBeUndefined()
  })

  test('counts the time from the last column that was hidden', () => {
    const [first = '', second = ''] = idsOf('retire')
    const entries = [
      { seq: 1, run: 1, at: 'first', event: done(first) },
      { seq: 2, run: 1, at: 'second', event: done(second) },
    ]
    expect(foldRun({ id: 1, plan }, entries).retiredAt).toBe('second')
  })
})

describe('the versions of a run', () => {
  const standing = (...events: readonly Event[]) => [...runAfter(...events).versions]

  test('stand from when they are applied until they are withdrawn', () => {
    expect(standing(applied('a'), applied('b'))).toEqual(['a', 'b'])
    expect(standing(applied('a'), applied('a'))).toEqual(['a'])
    expect(standing(applied('a'), applied('b'), withdrawn('a'))).toEqual(['b'])
    expect(standing(applied('a'), withdrawn('a'), applied('a'))).toEqual(['a'])
    expect(standing(withdrawn('nobody'))).toEqual([])
  })

  test.each<[Phase, RunState, readonly string[]]>([
    ['verify', 'backfilling', ['m/expand/1']],
    ['rollout', 'backfilling', ['m/expand/1']],
    ['backfill', 'backfilling', ['m/expand/1']],
  ])('make the data pending again when theirs is withdrawn: in %s', (phase, state, ids) => {
    const before = [...through('expand'), ...through('backfill')]
    const run = runAfter(
      ...before,
      entered(phase),
      applied('copy_name_to_full_name'),
      withdrawn('copy_name_to_full_name'),
    )
    expect(run.state).toBe(state)
    expect([...run.done]).toEqual(ids)
  })

  test.each<[string, readonly Event[]]>([
    ['of the new column', [entered('verify'), withdrawn('add_full_name_column')]],
    ['of nobody', [entered('verify'), withdrawn('copy_a_to_b')]],
    ['of the data while the column is hidden', [entered('retire'), withdrawn('copy_name_to_full_name')]],
    ['of the data on the way back', [{ type: 'rollback_started' }, withdrawn('copy_name_to_full_name')]],
    ['of the data after the end', [{ type: 'run_completed' }, withdrawn('copy_name_to_full_name')]],
  ])('leave the run where it is when another is withdrawn: %s', (_what, events) => {
    const [first] = events
    const before = [...through('expand'), ...through('backfill'), ...(first === undefined ? [] : [first])]
    const run = runAfter(...through('expand'), ...through('backfill'), ...events)
    expect([run.state, run.done]).toEqual([runAfter(...before).state, runAfter(...before).done])
  })
})

describe('the steps that are left', () => {
  test.each<[Phase, number]>([
    ['expand', 1],
    ['backfill', 2],
    ['verify', 6],
    ['rollout', 8],
    ['retire', 10],
    ['purge', 12],
  ])('until %s are %i at the beginning', (phase, count) => {
    const left = stepsLeft(runAfter(), phase)
    expect(left).toEqual(plan.steps.slice(0, count))
  })

  test('are those that are not done, in their order', () => {
    const run = runAfter(done('m/expand/1'), done('m/verify/2'))
    expect(stepsLeft(run, 'verify').map(({ id }) => id)).toEqual([
      'm/backfill/1',
      'm/verify/1',
      'm/verify/3',
      'm/verify/4',
    ])
  })

  test('are none when all is done', () => {
    expect(stepsLeft(runAfter(...PHASES.flatMap(through)), 'purge')).toEqual([])
  })
})

describe('a phase', () => {
  const gates = idsOf('rollout')
  const withoutGates = untilRetired.filter(
    (event) => event.type !== 'step_done' || !gates.includes(event.step),
  )

  test.each<[string, readonly Event[], Phase, boolean]>([
    ['nothing', [], 'expand', false],
    ['its steps', through('expand'), 'expand', true],
    ['only those of a later phase', idsOf('backfill').map(done), 'backfill', false],
    ['all before it', [...through('expand'), ...through('backfill')], 'backfill', true],
    [
      'all but the gate, which is not done',
      through('expand').concat(through('backfill'), through('verify')),
      'rollout',
      false,
    ],
    ['all, and the column behind the gate is hidden', withoutGates, 'rollout', true],
    ['all, and hidden, but not dropped', withoutGates, 'purge', false],
    ['all but one', [done('m/expand/1'), done('m/backfill/1'), done('m/verify/1')], 'verify', false],
  ])('is through when this is done: %s', (_what, events, phase, expected) => {
    expect(isThrough(runAfter(...events), phase)).toBe(expected)
  })
})

describe('a run that is over', () => {
  test.each<[RunState, boolean]>([
    ['planned', false],
    ['expanding', false],
    ['backfilling', false],
    ['verifying', false],
    ['rolling_out', false],
    ['retiring', false],
    ['purging', false],
    ['rolling_back', false],
    ['completed', true],
    ['rolled_back', true],
  ])('in the state %s: %s', (state, expected) => {
    expect(isOver({ ...runAfter(), state })).toBe(expected)
  })
})

describe('a step', () => {
  test('is found by its id', () => {
    expect(stepById(plan, 'm/verify/2')?.does).toBe(
      'have the database keep "name" and "full_name" equal from now on',
    )
    expect(stepById(plan, 'm/verify/99')).toBeUndefined()
    expect(stepById(plan, 'm/rollback/1')).toBeUndefined()
  })
})

describe('any list of events', () => {
  const anyEvent: fc.Arbitrary<Event> = fc.oneof(
    fc.constantFrom(...PHASES).map(entered),
    fc
      .constantFrom(...plan.steps.map(({ id }) => id))
      .chain((id) => fc.constantFrom(started(id), done(id), failed(id))),
    fc.record({ unfilled: fc.nat(2), diverged: fc.nat(2) }).map(unverified),
    fc.constantFrom<Event>(
      closed('a'),
      opened,
      applied('copy_name_to_full_name'),
      withdrawn('copy_name_to_full_name'),
      { type: 'retire_undone' },
      { type: 'rollback_started' },
      { type: 'run_rolled_back' },
      { type: 'run_completed' },
    ),
  )

  test('is read without an error, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
        const entries = entriesOf(events)
        const before = JSON.stringify(entries)
        const run = foldRun({ id: 1, plan }, entries)
        expect(run.plan).toBe(plan)
        expect(JSON.stringify(entries)).toBe(before)
        expect([...run.done].every((id) => stepById(plan, id) !== undefined)).toBe(true)
      }),
    )
  })

  test('gives the same run in one go as bit by bit', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), fc.nat(20), (events, at) => {
        const entries = entriesOf(events)
        const others = entriesOf(events.toReversed(), 2)
        const mixed = [...entries.slice(0, at), ...others, ...entries.slice(at)]
        expect(foldRun({ id: 1, plan }, mixed)).toEqual(foldRun({ id: 1, plan }, entries))
      }),
    )
  })
})

describe('a rollout of the application', () => {
  test('changes nothing of its run, and says why it stands still', () => {
    const before = runAfter(
      ...(['expand', 'backfill', 'verify'] as const).flatMap(through),
      entered('rollout'),
    )
    const events = (['expand', 'backfill', 'verify'] as const).flatMap(through)
    const paused = runAfter(...events, entered('rollout'), rollout({ kind: 'paused', because: 'ada' }))
    expect(paused).toEqual({ ...before, standsBecause: 'the rollout is paused: ada' })
    const done = rollout({ kind: 'ended', outcome: 'done', because: 'all serve' })
    expect(
      runAfter(...events, entered('rollout'), rollout({ kind: 'paused', because: 'ada' }), done),
    ).toEqual(before)
  })
})
