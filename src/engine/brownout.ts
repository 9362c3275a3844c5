import { BellowsError } from '../core/errors.ts'
import { brownoutSql } from '../core/plan/counter.ts'
import { called, type Leaver } from '../core/plan/leaver.ts'
import { dueSteps, gatesAhead } from '../core/run/due.ts'
import type { Run } from '../core/run/run.ts'
import type { Driving } from './context.ts'
import { readRun } from './drive.ts'
import { note } from './note.ts'

/**
 * Lets every write of a run's old columns, and every use of its old views, fail for so long, as a trial; 0 ends it.
 * @throws BellowsError `plan_refused` where nothing counts them: then the trial cannot be made
 */
export async function brownOut(engine: Driving, id: number, ms: number): Promise<Run> {
  const run = await readRun(engine, id)
  const gates = gatesAhead(run)
  // Of a column nobody can say that it was tried when it was not. What else cannot be tried is let be, unless it is all there is.
  const uncounted = gates.filter(({ counter }) => counter === undefined)
  const untried =
    uncounted.length < gates.length ? uncounted.find(({ thing }) => thing === undefined) : uncounted[0]
  if (untried !== undefined) throw unavailable(untried)
  // With nothing to fill or to compare a run is still where its expand has left it.
  const isExpanded = run.state === 'expanding' && dueSteps(run, 'verify').length === 0
  const isReady = run.state === 'rolling_out' || run.state === 'verifying' || isExpanded
  if (gates.length === 0 || !isReady) throw notNow(run)
  const counters = gates.flatMap(({ counter }) => (counter === undefined ? [] : [counter]))
  await note(
    engine,
    id,
    [{ type: 'brownout', ms }],
    counters.map((counter) => brownoutSql(counter, ms)),
  )
  return await readRun(engine, id)
}

function notNow({ plan, state }: Run): BellowsError {
  return new BellowsError(
    'phase_order',
    `The migration "${plan.migration.name}" is ${state.replace('_', ' ')}: there is nothing to try.`,
    { hint: 'A trial stands between the verification and the contract: bellows verify' },
  )
}

function unavailable(leaver: Leaver): BellowsError {
  return new BellowsError(
    'plan_refused',
    `Nothing counts ${leaver.thing === undefined ? 'the writes' : 'the use'} of ${called(leaver)}, so no trial can be made of it.`,
    {
      hint: 'It cannot be switched off in a way that ends by itself. Go by the other checks: bellows gate',
    },
  )
}
