import { isSameLeaver } from '../plan/behind-gate.ts'
import { type GateStep, leaversOf, type Phase, type Step } from '../plan/step.ts'
import { type Run, stepsLeft } from './run.ts'

/** Steps to take up to and including a phase; what stands behind a gate is taken through that. */
export function dueSteps(run: Run, until: Phase): readonly Step[] {
  return stepsLeft(run, until).filter(({ kind }) => kind !== 'gate')
}

/** The step that takes away what a gate guards. Two may be called the same, such as statements that begin alike: each has its own gate. */
export function guardedStep({ plan }: Run, gate: GateStep): Step | undefined {
  const twins = plan.steps.filter((step) => step.kind === 'gate' && isSameLeaver(step, gate))
  const guarded = plan.steps.filter((step) => leaversOf(step).some((one) => isSameLeaver(one, gate)))
  return guarded[twins.findIndex(({ id }) => id === gate.id)]
}

/**
 * The gates that a run has still to pass. A gate is never recorded as passed, because its answer ages: it is ahead until what it
 * guards is hidden or gone.
 */
export function gatesAhead(run: Run): readonly GateStep[] {
  return stepsLeft(run, 'rollout')
    .filter((step) => step.kind === 'gate')
    .filter((gate) => !run.done.has(guardedStep(run, gate)?.id ?? ''))
}

/**
 * The gates in front of a step: of everything that goes, before anything is taken away, and anew right before what each guards.
 * What is hidden is hidden together.
 */
export function gatesBefore(run: Run, next: Step): readonly GateStep[] {
  if (!isOfContract(next)) return []
  const ahead = gatesAhead(run)
  if (!run.plan.steps.some((step) => isOfContract(step) && step.kind !== 'inspect' && run.done.has(step.id)))
    return ahead
  return ahead.filter((gate) => {
    const step = guardedStep(run, gate)
    return step?.phase === 'retire' || step?.id === next.id
  })
}

function isOfContract({ phase }: Step): boolean {
  return phase === 'retire' || phase === 'purge'
}
