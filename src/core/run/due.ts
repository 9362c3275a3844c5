import { stepsOf } from '../plan/plan.ts'
import { type GateStep, leaversOf, type Phase, type Step } from '../plan/step.ts'
import { isSameName } from '../schema/model.ts'
import { type Run, stepsLeft } from './run.ts'

/**
 * Steps to take up to and including a phase. A gate is never recorded as passed, because its answer ages: it is due until the
 * column that it guards is hidden.
 */
export function dueSteps(run: Run, until: Phase): readonly Step[] {
  return stepsLeft(run, until).filter(
    (step) => step.kind !== 'gate' || !run.done.has(hidingStep(run, step)?.id ?? ''),
  )
}

export function hidingStep(run: Run, gate: GateStep): Step | undefined {
  return stepsOf(run.plan, 'retire').find(
    (step) =>
      step.kind === 'retire' &&
      leaversOf(step).some(({ table, column }) => column === gate.column && isSameName(table, gate.table)),
  )
}

/** The gates that a run has still to pass. */
export function gatesAhead(run: Run): readonly GateStep[] {
  return dueSteps(run, 'rollout').filter((step) => step.kind === 'gate')
}
