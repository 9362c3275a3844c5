import { canonical } from '../core/hash.ts'
import type { Made, Step } from '../core/plan/step.ts'
import type { Event } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'

/**
 * May what a step makes be the run's own where it is found? Only if the run has begun to make it, and has not taken that back since:
 * most steps are done in one transaction with their record, those that cannot be say before that they begin.
 */
export async function isOwn(engine: Engine, run: Run, step: Step, made: Made): Promise<boolean> {
  return isBegunSince(await eventsOf(engine, run), step, run.plan.rollback.filter(unmaking(made)))
}

/** Is there something of the run that this step of a rollback takes back? */
export async function hasMade(engine: Engine, run: Run, step: Step, made: Made): Promise<boolean> {
  const making = run.plan.steps.find((one) => one.makes !== undefined && isSame(one.makes, made))
  return making !== undefined && isBegunSince(await eventsOf(engine, run), making, [step])
}

async function eventsOf({ journal }: Engine, run: Run): Promise<readonly Event[]> {
  return (await journal.entries([run.id])).map(({ event }) => event)
}

function isBegunSince(events: readonly Event[], making: Step, unmaking: readonly Step[]): boolean {
  const begun = events.findLastIndex(
    (event) => (event.type === 'step_started' || event.type === 'step_done') && event.step === making.id,
  )
  const takenBack = events.findLastIndex(
    (event) => event.type === 'step_done' && unmaking.some(({ id }) => id === event.step),
  )
  return begun > takenBack
}

function unmaking(made: Made) {
  return ({ unmakes }: Step) => unmakes !== undefined && isSame(unmakes, made)
}

function isSame(a: Made, b: Made): boolean {
  return canonical(a) === canonical(b)
}
