import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Plan } from '../../../src/core/plan/plan.ts'
import { begunSteps, stepsBack } from '../../../src/core/run/back.ts'
import type { Event } from '../../../src/core/run/event.ts'
import { factsWithTypes, schemaOf, table } from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const add: Operation = { kind: 'add_column', ...on, column: 'slug', type: 'text', nullable: true }
const describeIt: Operation = { kind: 'alter_column', ...on, column: 'slug', comment: 'short' }
const strict: Operation = { kind: 'alter_column', ...on, column: 'name', nullable: false }
const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }

const planOf = (...operations: readonly Operation[]): Plan =>
  makePlan({ name: 'm', operations }, schemaOf(table()), factsWithTypes({ text: 'text' }))
const built = planOf(add, describeIt)

const done = (step: string): Event => ({ type: 'step_done', step, how: 'performed' })
const started = (step: string): Event => ({ type: 'step_started', step })
const back: Event = { type: 'rollback_started' }

function left(plan: Plan, ...events: readonly Event[]): readonly string[] {
  const entries = events.map((event, at) => ({ seq: at + 1, run: 1, at: '2026-01-02T03:04:05Z', event }))
  return stepsBack(plan, entries).map(({ id }) => id.replace('m/rollback/', ''))
}

describe('a rollback', () => {
  test.each<[string, readonly Event[], readonly string[]]>([
    ['nothing was begun', [], []],
    ['its first step was done', [done('m/expand/1')], ['2']],
    [
      'one of its steps failed',
      [{ type: 'step_failed', step: 'm/expand/1', code: 'lock_not_had', message: '' }],
      [],
    ],
    ['all was done', [done('m/expand/1'), done('m/expand/2')], ['1', '2']],
    ['a step was begun that has no transaction', [started('m/expand/1')], ['2']],
  ])('takes back the operations of which something was begun: %s', (_what, events, steps) => {
    expect(built.rollback.map(({ undoes }) => undoes)).toEqual([['m/expand/2'], ['m/expand/1']])
    expect(left(built, ...events)).toEqual(steps)
    expect(left(built, ...events, back)).toEqual(steps)
  })

  test('does not do again what it has done when it is resumed', () => {
    const all = [done('m/expand/1'), done('m/expand/2'), back]
    expect(left(built, ...all, done('m/rollback/1'))).toEqual(['2'])
    expect(left(built, ...all, done('m/rollback/1'), done('m/rollback/2'))).toEqual([])
  })

  test('knows a step that only looks for none that it could take back', () => {
    const plan = planOf(strict)
    const [look] = plan.steps
    expect(look?.kind).toBe('inspect')
    expect(left(plan, done(look?.id ?? ''))).toEqual([])
    expect(left(plan, done('m/retire/2'))).toEqual(['2'])
  })

  test('comes behind an undo, but does its steps again', () => {
    const plan = planOf(rename)
    const hidden = plan.steps.filter(({ phase }) => phase !== 'purge').map(({ id }) => done(id))
    const undone = [done('m/rollback/1'), { type: 'retire_undone' } as const]
    expect(left(plan, ...hidden)).toEqual(['1', '2'])
    expect(left(plan, ...hidden, ...undone, back)).toEqual(['1', '2'])
  })

  test('has nothing more to take back of what came up behind the rollout, when that was undone', () => {
    const plan = planOf(strict)
    expect(left(plan, done('m/retire/2'), done('m/rollback/1'), { type: 'retire_undone' })).toEqual([])
  })
})

test('what came up behind the rollout and was undone is not begun any more', () => {
  const plan = planOf(strict)
  const begun = (...events: readonly Event[]) => [
    ...begunSteps(
      plan,
      events.map((event, at) => ({ seq: at + 1, run: 1, at: '2026-01-02T03:04:05Z', event })),
    ),
  ]
  const events = [done('m/expand/1'), started('m/retire/2')]
  expect(begun(...events)).toEqual(['m/expand/1', 'm/retire/2'])
  expect(begun(...events, { type: 'retire_undone' })).toEqual(['m/expand/1'])
})
