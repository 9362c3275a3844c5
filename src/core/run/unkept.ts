import { leaverKey } from '../plan/behind-gate.ts'
import { leaversOf, type VerifyStep } from '../plan/step.ts'
import type { Run } from './run.ts'

/**
 * What was compared and no constraint keeps true, because it is in two tables: only the triggers do, and an administrator who switches
 * these off is not refused. It is compared again until the old column is hidden.
 */
export function unkeptSteps({ plan, done, state }: Run): readonly VerifyStep[] {
  if (state === 'rolling_back' || state === 'rolled_back') return []
  const gone = plan.steps
    .filter(({ id }) => done.has(id))
    .flatMap(leaversOf)
    .map(leaverKey)
  return plan.steps.filter(
    (step): step is VerifyStep =>
      step.kind === 'verify' &&
      step.until !== undefined &&
      done.has(step.id) &&
      !gone.includes(leaverKey(step.until)),
  )
}
