import { guardedStep } from '../plan/behind-gate.ts'
import type { GateStep, Phase, Step } from '../plan/step.ts'
import { type Run, stepsLeft } from './run.ts'

/**
 * Steps to take up to and including a phase. A gate is never recorded as passed, because its answer ages: it is due until what
 * it guards is hidden or gone.
 */
export function dueSteps(run: Run, until: Phase): readonly Step[] {
  return stepsLeft(run, until).filter(
    (step) => step.kind !== 'gate' || !run.done.has(guardedStep(run.plan.steps, step)?.id ?? ''),
  )
}

/** The gates that a run has still to pass. */
export function gatesAhead(run: Run): readonly GateStep[] {
  return dueSteps(run, 'rollout').filter((step) => step.kind === 'gate')
}
