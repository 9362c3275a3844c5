import type { Health } from '../rollout/fleet.ts'
import type { InstanceRules } from './config.ts'

/** `unmeasured`: the check could not be made, or its result says more about us than about the instance. */
export type CheckResult =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly because: string }
  | { readonly outcome: 'unmeasured' }

/** Results in a row, as they are counted. */
export interface Checked {
  readonly passes: number
  readonly failures: number
  readonly lastError?: string
  /** When the first of the passes in a row was, by the clock of whoever counts. */
  readonly healthySinceMs: number
}

export const UNCHECKED: Checked = { passes: 0, failures: 0, healthySinceMs: 0 }

export function counted(before: Checked, result: CheckResult, nowMs: number): Checked {
  if (result.outcome === 'unmeasured') return before
  if (result.outcome === 'failed')
    return { passes: 0, failures: before.failures + 1, lastError: result.because, healthySinceMs: 0 }
  const healthySinceMs = before.passes === 0 ? nowMs : before.healthySinceMs
  return { ...before, passes: before.passes + 1, failures: 0, healthySinceMs }
}

export function healthAt({ healthySinceMs, ...results }: Checked, nowMs: number): Health {
  return { ...results, healthyForMs: results.passes === 0 ? 0 : Math.max(0, nowMs - healthySinceMs) }
}

/** Whether an instance is fit for work. Between the two bounds it stays what it was. */
export function isWell(
  wasWell: boolean,
  { passes, failures }: Checked,
  { success, failure }: InstanceRules['health'],
): boolean {
  return wasWell ? failures < failure : passes >= success
}

/**
 * Which of the instances that serve get requests: those that are well. When none is, all of them: what their checks have in
 * common is then more likely to be ill than all of them at once, and the one that is left must not carry the load of all.
 */
export function fitForWork<One extends { readonly isWell: boolean }>(
  serving: readonly One[],
): readonly One[] {
  const well = serving.filter((one) => one.isWell)
  return well.length > 0 ? well : serving
}
