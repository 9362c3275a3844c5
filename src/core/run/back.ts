import { canonical } from '../hash.ts'
import { type Plan, stepsOf } from '../plan/plan.ts'
import type { Step } from '../plan/step.ts'
import type { JournalEntry } from './event.ts'

/**
 * The steps that a rollback has still to take, by what the journal says of the run. What an operation never began it need not take
 * back: it may build on something that was never made, or that somebody else made meanwhile.
 */
export function stepsBack(plan: Plan, entries: readonly JournalEntry[]): readonly Step[] {
  const begun = new Set<string>()
  let takenBack: Set<string> | undefined
  for (const { event } of entries) {
    if (event.type === 'step_done' || event.type === 'step_started') begun.add(event.step)
    if (event.type === 'step_done') takenBack?.add(event.step)
    if (event.type === 'rollback_started') takenBack = new Set()
    if (event.type === 'retire_undone') for (const { id } of stepsOf(plan, 'retire')) begun.delete(id)
  }
  const made = new Set(
    plan.steps.flatMap(({ id, makes }) => (makes !== undefined && begun.has(id) ? [canonical(makes)] : [])),
  )
  const isOurs = ({ undoes, unmakes }: Step) =>
    (undoes === undefined || undoes.some((one) => begun.has(one))) &&
    (unmakes === undefined || made.has(canonical(unmakes)))
  return plan.rollback.filter((step) => takenBack?.has(step.id) !== true && isOurs(step))
}
