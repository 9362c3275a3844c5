import { canonical } from '../hash.ts'
import { type Plan, stepsOf } from '../plan/plan.ts'
import type { Made, Step } from '../plan/step.ts'
import type { JournalEntry } from './event.ts'

/**
 * The steps that a rollback has still to take, by what the journal says of the run. What an operation never began it need not take
 * back: it may build on something that was never made, or that somebody else made meanwhile.
 */
export function stepsBack(plan: Plan, entries: readonly JournalEntry[]): readonly Step[] {
  const begun = begunSteps(plan, entries)
  let takenBack: Set<string> | undefined
  for (const { event } of entries) {
    if (event.type === 'step_done') takenBack?.add(event.step)
    if (event.type === 'rollback_started') takenBack = new Set()
  }
  return plan.rollback.filter((step) => takenBack?.has(step.id) !== true && isOurs(plan, step, begun))
}

/**
 * The steps that a run has begun, and has not undone since: what one of them makes may be its own where it is found. Most are done in
 * one transaction with their record; the others say before that they begin.
 */
export function begunSteps(plan: Plan, entries: readonly JournalEntry[]): ReadonlySet<string> {
  const begun = new Set<string>()
  for (const { event } of entries) {
    if (event.type === 'step_done' || event.type === 'step_started') begun.add(event.step)
    if (event.type === 'retire_undone') for (const { id } of stepsOf(plan, 'retire')) begun.delete(id)
  }
  return begun
}

function isOurs(plan: Plan, step: Step, begun: ReadonlySet<string>): boolean {
  if (step.undoes !== undefined && !step.undoes.some((one) => begun.has(one))) return false
  return step.unmakes === undefined || begun.has(making(plan, step.unmakes)?.id ?? '')
}

function making(plan: Plan, made: Made): Step | undefined {
  return plan.steps.find(({ makes }) => makes !== undefined && canonical(makes) === canonical(made))
}
