import { BellowsError } from '../core/errors.ts'
import { undoSteps } from '../core/plan/plan.ts'
import type { Event } from '../core/run/event.ts'
import { isOver, type Run } from '../core/run/run.ts'
import { batchTransaction } from './backfill/batch.ts'
import { forgetRunSql } from './backfill/checkpoint.ts'
import type { Driving } from './context.ts'
import { readRun, recordingFailure } from './drive.ts'
import { executeStep } from './execute.ts'
import { readVersions } from './versions.ts'

/** Brings a hidden column back: instant and lossless. */
export async function undo(engine: Driving, id: number): Promise<Run> {
  const run = await readRun(engine, id)
  const steps = undoSteps(run.plan)
  if (run.state !== 'retiring') {
    throw notReversible(run, 'There is nothing to undo: only a column that is hidden can be brought back.')
  }
  if (steps.length === 0) throw notReversible(run, NO_WAY_BACK)
  for (const [at, step] of steps.entries()) {
    const undone: Event[] = at === steps.length - 1 ? [{ type: 'retire_undone' }] : []
    await recordingFailure(engine, run, step, () =>
      executeStep(engine, run, step, { before: [], after: undone }),
    )
  }
  return await readRun(engine, id)
}

/** Takes a run back to the start, from wherever it is before purge. Each step looks first whether there is anything to do. */
export async function rollBack(engine: Driving, id: number): Promise<Run> {
  const run = await readRun(engine, id)
  if (isOver(run) || run.state === 'purging') {
    throw notReversible(
      run,
      `The migration "${run.plan.migration.name}" is ${run.state}: there is no way back.`,
    )
  }
  if (run.retiredAt !== undefined && undoSteps(run.plan).length === 0) throw notReversible(run, NO_WAY_BACK)
  if (run.state !== 'rolling_back') await batchTransaction(engine, id, [], [{ type: 'rollback_started' }])
  for (const step of run.plan.rollback) {
    await recordingFailure(engine, run, step, () => executeStep(engine, run, step, { before: [], after: [] }))
  }
  const versions = [...(await withdrawals(engine, run)), ...(await reinstatements(engine, run))]
  await batchTransaction(engine, id, [forgetRunSql(id)], [...versions, { type: 'run_rolled_back' }])
  return await readRun(engine, id)
}

const NO_WAY_BACK = 'This rename has no way back: values written since are not in the hidden column.'

async function withdrawals(engine: Driving, run: Run): Promise<readonly Event[]> {
  const standing = (await readVersions(engine)).filter((version) => version.run === run.id)
  return standing.toReversed().map(({ version, name }) => ({ type: 'version_withdrawn', version, name }))
}

/** A run in the opposite direction had taken versions back; without it they hold again. */
async function reinstatements(engine: Driving, run: Run): Promise<readonly Event[]> {
  const taken = (await engine.journal.entries([run.id])).flatMap(({ event }) =>
    event.type === 'version_withdrawn' ? [event.name] : [],
  )
  const table = run.plan.migration.operations[0]
  return (run.plan.migration.reverses?.backfill ?? [])
    .filter(({ name }) => taken.includes(name) && table !== undefined)
    .map(({ name, change }) => ({
      type: 'version_applied',
      name,
      facts: { change, table: { namespace: table?.namespace ?? '', name: table?.table ?? '' } },
    }))
}

function notReversible(run: Run, message: string): BellowsError {
  const next =
    run.state === 'completed'
      ? 'Write a migration in the opposite direction.'
      : 'See "bellows status" for what can be done.'
  return new BellowsError('not_reversible', message, { hint: next })
}
