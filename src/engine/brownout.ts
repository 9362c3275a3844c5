import { BellowsError } from '../core/errors.ts'
import { called, type Leaver } from '../core/plan/leaver.ts'
import { brownoutSql } from '../core/plan/old-writes.ts'
import { gatesAhead } from '../core/run/due.ts'
import type { Run } from '../core/run/run.ts'
import type { Driving } from './context.ts'
import { readRun } from './drive.ts'
import { note } from './note.ts'

/**
 * Lets every write of a run's old columns fail for so long, as a trial; 0 ends it.
 * @throws BellowsError `plan_refused` where no trigger counts them: then the trial cannot be made
 */
export async function brownOut(engine: Driving, id: number, ms: number): Promise<Run> {
  const run = await readRun(engine, id)
  const gates = gatesAhead(run)
  const columns = gates.filter(({ thing }) => thing === undefined)
  // What nobody writes through a column is let be, unless it is all there is.
  const untried = (columns.length > 0 ? columns : gates).find(({ counter }) => counter === undefined)
  if (untried !== undefined) throw unavailable(untried)
  const isReady = run.state === 'rolling_out' || run.state === 'verifying'
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
    `Nothing counts the writes of ${called(leaver)}, so no trial can be made of it.`,
    {
      hint: 'Reads and writes of a plain column cannot be switched off in a way that ends by itself. Go by the other checks: bellows gate',
    },
  )
}
