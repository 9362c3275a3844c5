import { BellowsError } from '../core/errors.ts'
import { tablesOf } from '../core/plan/needs.ts'
import { stepsOf, undoSteps } from '../core/plan/plan.ts'
import type { Requirement, Step } from '../core/plan/step.ts'
import { standsOn } from '../core/rollout/stands-on.ts'
import { stepsBack } from '../core/run/back.ts'
import type { Event } from '../core/run/event.ts'
import { isOver, type Run } from '../core/run/run.ts'
import { endBackfillsSql, forgetRunSql } from './backfill/checkpoint.ts'
import type { Driving } from './context.ts'
import { readRun, recordingFailure } from './drive.ts'
import { executeStep } from './execute.ts'
import { openDoorOf } from './gated.ts'
import { keepingAccount, recordRollbackSql, takeUp } from './history.ts'
import { holds, requireAll } from './holds.ts'
import { inspect } from './inspect.ts'
import { note } from './note.ts'
import { readVersions } from './versions.ts'

/** Brings a hidden column back: instant and lossless. */
export async function undo(engine: Driving, id: number): Promise<Run> {
  const run = await readRun(engine, id)
  if (await isUndone(engine, run)) return run
  if (run.state !== 'retiring') {
    throw notReversible(run, 'There is nothing to undo: only what is hidden can be brought back.')
  }
  if (undoSteps(run.plan).length === 0) throw notReversible(run, NO_WAY_BACK)
  const steps = (await back(engine, run)).filter(({ phase }) => phase === 'retire')
  await refuseWhileInTheWay(engine, steps)
  if (steps.length === 0) await note(engine, id, [{ type: 'retire_undone' }])
  return await keepingAccount(engine, id, async () => {
    for (const [at, step] of steps.entries()) {
      const undone: Event[] = at === steps.length - 1 ? [{ type: 'retire_undone' }] : []
      await recordingFailure(engine, run, step, () =>
        executeStep(engine, run, step, { ahead: [], before: [], after: undone }),
      )
    }
    return await readRun(engine, id)
  })
}

/** Takes a run back to the start, from wherever it is before purge. Each step looks first whether there is anything to do. */
export async function rollBack(engine: Driving, id: number): Promise<Run> {
  const run = await readRun(engine, id)
  if (run.state === 'rolled_back') return run
  if (isOver(run) || run.state === 'purging') {
    throw notReversible(
      run,
      `The migration "${run.plan.migration.name}" is ${run.state}: there is no way back.`,
    )
  }
  const isHidden = stepsOf(run.plan, 'retire').some(({ kind, id }) => kind === 'retire' && run.done.has(id))
  if (isHidden && undoSteps(run.plan).length === 0) throw notReversible(run, NO_WAY_BACK)
  if (run.state !== 'rolling_back') {
    await refuseWhileStoodOn(engine, run)
    const steps = await back(engine, run)
    await refuseWhileInTheWay(engine, steps)
    await refuseWhileRowsAreInTheWay(engine, steps)
    await note(engine, id, [{ type: 'rollback_started' }], endBackfillsSql(id))
  }
  await takeUp(engine, id)
  for (const step of await back(engine, run)) {
    await recordingFailure(engine, run, step, () =>
      executeStep(engine, run, step, { ahead: [], before: [], after: [] }),
    )
  }
  const versions = [...(await withdrawals(engine, run)), ...(await reinstatements(engine, run))]
  // A gate that its driver did not live to open again.
  const doors = run.plan.steps.filter((step) => step.kind === 'gate').map(openDoorOf)
  await note(
    engine,
    id,
    [...versions, { type: 'run_rolled_back' }],
    [...forgetRunSql(id), recordRollbackSql(id), ...doors],
  )
  return await readRun(engine, id)
}

/** Such as a name that was given away meanwhile: what cannot come back is not brought back in part. */
async function refuseWhileInTheWay(engine: Driving, steps: readonly Step[]): Promise<void> {
  const freed = new Set<string>()
  for (const step of steps) {
    if (typeof step.unmakes === 'string') freed.add(step.unmakes)
    if (!('requires' in step)) continue
    const isFreed = ({ freedBy }: Requirement) => freedBy !== undefined && freed.has(freedBy)
    const requires = step.requires?.filter((one) => one.early === true && !isFreed(one)) ?? []
    if (requires.length > 0 && !(await holds(engine, step.probe)))
      await requireAll(engine, { id: step.id, requires })
  }
}

/** Looked for before anything is taken back: a rollback that stops half way can neither go on nor go forward again. */
async function refuseWhileRowsAreInTheWay(engine: Driving, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (step.kind !== 'inspect') continue
    await inspect(engine, step).catch((error: unknown) => {
      // What it looks at may not have come to be; its own turn tells.
      if (!(error instanceof BellowsError) || !NOT_THERE.includes(error.sqlstate)) throw error
    })
  }
}

/** A column, a table, a function or anything else that an operation before it was to make. */
const NOT_THERE: readonly (string | undefined)[] = ['42703', '42P01', '42883', '42704']

async function back(engine: Driving, run: Run): Promise<readonly Step[]> {
  return stepsBack(run.plan, await engine.journal.entries([run.id]))
}

/** An application that does not register is known by its rollout alone. */
async function refuseWhileStoodOn(engine: Driving, run: Run): Promise<void> {
  const history = (await engine.rollouts.history()).filter((entry) => entry.run === run.id)
  if (history.length === 0) return
  const { name } = run.plan.migration
  const found = standsOn(name, history, await engine.deployer?.fleet().catch(() => undefined))
  if (found === undefined) return
  throw new BellowsError('run_conflict', `The migration "${name}" is not taken back: ${found.because}.`, {
    hint: found.hint,
  })
}

/** The answer of the last transaction may have been lost: then the undo is repeated, and there is nothing left to do. */
async function isUndone(engine: Driving, run: Run): Promise<boolean> {
  if (run.state !== 'rolling_out') return false
  return (await engine.journal.entries([run.id])).at(-1)?.event.type === 'retire_undone'
}

const NO_WAY_BACK = 'This migration has no way back: values written since are not in the hidden column.'

async function withdrawals(engine: Driving, run: Run): Promise<readonly Event[]> {
  const standing = (await readVersions(engine)).filter((version) => version.run === run.id)
  return standing.toReversed().map(({ version, name }) => ({ type: 'version_withdrawn', version, name }))
}

/** A run in the opposite direction had taken versions back; without it they hold again. */
async function reinstatements(engine: Driving, run: Run): Promise<readonly Event[]> {
  const taken = (await engine.journal.entries([run.id])).flatMap(({ event }) =>
    event.type === 'version_withdrawn' ? [event.name] : [],
  )
  const [table = { namespace: '', name: '' }] = tablesOf(run.plan.migration)
  return (run.plan.migration.reverses?.backfill ?? [])
    .filter(({ name }) => taken.includes(name))
    .map(({ name, change }) => ({ type: 'version_applied', name, facts: { change, table } }))
}

function notReversible(run: Run, message: string): BellowsError {
  const next =
    run.state === 'completed'
      ? 'Write a migration in the opposite direction.'
      : 'See "bellows status" for what can be done.'
  return new BellowsError('not_reversible', message, { hint: next })
}
