import { leaverKey } from '../plan/behind-gate.ts'
import type { Leaver } from '../plan/leaver.ts'
import { type GateStep, leaversOf, type Phase, type Step } from '../plan/step.ts'
import { type Run, stepsLeft } from './run.ts'

/** Steps to take up to and including a phase; what stands behind a gate is taken through that. */
export function dueSteps(run: Run, until: Phase): readonly Step[] {
  return stepsLeft(run, until).filter(({ kind }) => kind !== 'gate')
}

/** Tells of each gate the step that takes away what it guards. */
export type Guarded = (gate: GateStep) => Step | undefined

/** Two may be called the same, such as statements that begin alike: each has its own gate, the first one that of the first step. */
export function guardedSteps({ plan }: Run): Guarded {
  const twins = new Map<string, { readonly gates: string[]; readonly steps: Step[] }>()
  const of = (leaver: Leaver) => {
    const known = twins.get(leaverKey(leaver)) ?? { gates: [], steps: [] }
    twins.set(leaverKey(leaver), known)
    return known
  }
  for (const step of plan.steps) {
    if (step.kind === 'gate') of(step).gates.push(step.id)
    for (const leaver of leaversOf(step)) of(leaver).steps.push(step)
  }
  return (gate) => {
    const { gates, steps } = of(gate)
    return steps[gates.indexOf(gate.id)]
  }
}

/**
 * The gates that a run has still to pass. A gate is never recorded as passed, because its answer ages: it is ahead until what it
 * guards is hidden or gone.
 */
export function gatesAhead(run: Run, guarded: Guarded = guardedSteps(run)): readonly GateStep[] {
  return stepsLeft(run, 'rollout')
    .filter((step) => step.kind === 'gate')
    .filter((gate) => !run.done.has(guarded(gate)?.id ?? ''))
}

/**
 * The gates in front of a step: of everything that goes, before anything is taken away, and anew right before what each guards.
 * What is hidden is hidden together.
 */
export function gatesBefore(run: Run, next: Step): readonly GateStep[] {
  if (!isOfContract(next)) return []
  const guarded = guardedSteps(run)
  const ahead = gatesAhead(run, guarded)
  if (!run.plan.steps.some((step) => isOfContract(step) && step.kind !== 'inspect' && run.done.has(step.id)))
    return ahead
  return ahead.filter((gate) => {
    const step = guarded(gate)
    return step?.phase === 'retire' || step?.id === next.id
  })
}

function isOfContract({ phase }: Step): boolean {
  return phase === 'retire' || phase === 'purge'
}
