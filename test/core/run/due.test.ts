import { describe, expect, test } from 'vitest'
import type { Operation } from '../../../src/core/operations/migration.ts'
import { makePlan } from '../../../src/core/plan/make-plan.ts'
import type { Step } from '../../../src/core/plan/step.ts'
import { dueSteps, gatesAhead, gatesBefore, guardedSteps } from '../../../src/core/run/due.ts'
import type { JournalEntry } from '../../../src/core/run/event.ts'
import { foldRun, type Run } from '../../../src/core/run/run.ts'
import { column, facts, index, schemaOf, tableWith } from '../../support/model.ts'

const on = { namespace: 'public', table: 'users' } as const
const rename: Operation = { kind: 'rename_column', ...on, from: 'name', to: 'full_name' }
// On a table of its own, or both would be hidden at once.
const drop: Operation = { kind: 'drop_column', ...on, table: 'teams', column: 'age' }
const users = schemaOf(tableWith([column('name')]), { ...tableWith([column('age')]), name: 'teams' })
const plan = makePlan({ name: 'm', operations: [rename, drop] }, users, facts())

const runAfter = (...done: readonly Step[]): Run =>
  foldRun(
    { id: 1, plan },
    done.map(
      ({ id }, at): JournalEntry => ({
        seq: at + 1,
        run: 1,
        at: '2026-01-02T03:04:05Z',
        event: { type: 'step_done', step: id, how: 'performed' },
      }),
    ),
  )
const gates = plan.steps.filter((step) => step.kind === 'gate')
const hiding = (name: string): Step => {
  const gate = gates.find((one) => one.column === name)
  const step = gate === undefined ? undefined : guardedSteps(runAfter())(gate)
  if (step === undefined) throw new Error(`nothing hides ${name}`)
  return step
}

describe('a gate', () => {
  test('is ahead until the column that it guards is hidden, each on its own', () => {
    const columns = (run: Run) => gatesAhead(run).map((gate) => gate.column)
    expect(columns(runAfter())).toEqual(['name', 'age'])
    expect(columns(runAfter(hiding('name')))).toEqual(['age'])
    expect(columns(runAfter(hiding('age')))).toEqual(['name'])
    expect(columns(runAfter(hiding('age'), hiding('name')))).toEqual([])
  })

  test('of several that are hidden at once is ahead until they are', () => {
    const both = makePlan(
      { name: 'm', operations: [rename, { ...drop, table: 'users' }] },
      schemaOf(tableWith([column('name'), column('age')])),
      facts(),
    )
    const run = foldRun({ id: 1, plan: both }, [])
    const [first, second] = gatesAhead(run)
    expect([first?.column, second?.column]).toEqual(['name', 'age'])
    if (first === undefined || second === undefined) throw new Error('there are two gates')
    expect(guardedSteps(run)(first)).toMatchObject({ kind: 'retire' })
    expect(guardedSteps(run)(second)).toBe(guardedSteps(run)(first))
  })

  test('that was passed is due all the same: its answer ages', () => {
    expect(gatesAhead(runAfter(...gates))).toEqual([])
    expect(gatesAhead(runAfter(...plan.steps.filter(({ phase }) => phase === 'verify')))).toHaveLength(2)
  })

  test('guards a column of one table only, also where another table has one of that name', () => {
    const [gate] = gates
    if (gate === undefined) throw new Error('there is a gate')
    const elsewhere = { ...gate, table: { namespace: 'sales', name: 'users' } }
    expect(guardedSteps(runAfter())(gate)).toMatchObject({ kind: 'retire', retires: { column: 'name' } })
    expect(guardedSteps(runAfter())(elsewhere)).toBeUndefined()
  })

  test('of a thing that one step takes away twice is ahead until that is done, both of them', () => {
    const hide = hiding('name')
    const steps = plan.steps.flatMap((step): readonly Step[] => {
      if (step.id === gates[0]?.id) return [step, { ...step, id: 'again' }]
      return step === hide && step.retires !== undefined ? [{ ...step, retiresAlso: [step.retires] }] : [step]
    })
    const ahead = (...done: readonly Step[]) =>
      gatesAhead({ ...runAfter(...done), plan: { ...plan, steps } }).map(({ id }) => id)
    expect(ahead()).toEqual([gates[0]?.id, 'again', gates[1]?.id])
    expect(ahead(hide)).toEqual([gates[1]?.id])
  })
})

describe('what is due', () => {
  test('is what is left up to the phase, in the order of the plan', () => {
    const ids = (run: Run, until: Parameters<typeof dueSteps>[1]) => dueSteps(run, until).map(({ id }) => id)
    const upTo = (...phases: readonly string[]) =>
      plan.steps.filter(({ phase }) => phases.includes(phase)).map(({ id }) => id)
    expect(ids(runAfter(), 'backfill')).toEqual(upTo('expand', 'backfill'))
    expect(ids(runAfter(), 'purge')).toEqual(upTo('expand', 'backfill', 'verify', 'retire', 'purge'))
    expect(ids(runAfter(...plan.steps), 'purge')).toEqual([])
  })
})

describe('what is dropped without being hidden', () => {
  const dropIndex = { ...on, kind: 'drop_index', index: 'by_age' } as const
  const mixed = makePlan(
    {
      name: 'm',
      operations: [
        drop,
        { ...dropIndex, table: 'users' },
        { ...dropIndex, index: 'by_name', table: 'users' },
      ],
    },
    schemaOf(
      { ...tableWith([column('name')]), indexes: ['by_age', 'by_name'].map((name) => index(name, ['name'])) },
      { ...tableWith([column('age')]), name: 'teams' },
    ),
    facts(),
  )
  const run = (...done: readonly Step[]): Run => ({
    ...foldRun({ id: 1, plan: mixed }, []),
    done: new Set(done.map(({ id }) => id)),
  })
  const inFrontOf = (of: Run, next: Step | undefined) =>
    next === undefined ? [] : gatesBefore(of, next).map((gate) => gate.thing?.called ?? gate.column)
  const [hide, ...purges] = mixed.steps.filter(({ phase, kind }) => kind !== 'gate' && phase !== 'expand')
  const [first, second] = purges.filter(({ retires }) => retires !== undefined)
  const others = purges.filter(({ retires }) => retires === undefined)

  test('has its gate before anything is taken away, and anew right before its own turn', () => {
    expect(inFrontOf(run(), hide)).toEqual(['age', 'the index public.by_age', 'the index public.by_name'])
    if (hide === undefined || first === undefined) throw new Error('there is something to take')
    for (const other of others) expect(inFrontOf(run(hide), other)).toEqual([])
    expect(inFrontOf(run(hide), first)).toEqual(['the index public.by_age'])
    expect(inFrontOf(run(hide, ...others, first), second)).toEqual(['the index public.by_name'])
  })
})
