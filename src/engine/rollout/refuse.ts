import { BellowsError } from '../../core/errors.ts'
import type { Migration } from '../../core/operations/migration.ts'
import { openIn, type RolloutHistory, type RolloutWish } from '../../core/rollout/begin.ts'
import type { RolloutStarted, RollStarted } from '../../core/rollout/event.ts'
import { cameInBehind, overtaking } from '../../core/rollout/overtaken.ts'
import { rulesProblems } from '../../core/rollout/rules.ts'
import { tooOld } from '../../core/rollout/too-old.ts'
import type { TooOld } from '../../core/rollout/way-back.ts'
import { isThrough, type Run } from '../../core/run/run.ts'
import type { Engine } from '../context.ts'
import { readRuns } from '../runs.ts'
import { findRun, resumable } from '../start.ts'

/** With roles and rules where instances are replaced one by one, without where the workloads of a cluster are. */
export type DeploymentWish = RolloutWish | Pick<RolloutWish, 'version'>

/**
 * Refuses what a deployment would be refused for on its way, before hours of it have passed. No more than a look: each phase
 * looks again.
 */
export async function refuseDeployment(
  engine: Engine,
  migration: Migration,
  wish: DeploymentWish,
): Promise<void> {
  const run = await resumable(engine, migration)
  if (run !== undefined) refuseReturning(run)
  const history = (await engine.journal.isInstalled()) ? await engine.rollouts.history() : []
  const open = openIn(history)
  if (open !== undefined) {
    refuseOther(open, run?.id, { version: wish.version, ofWorkloads: !('rules' in wish) })
    return
  }
  refuseTooOld(wish.version, await versionsTooOld(engine, history))
  if ('rules' in wish) refuseUnfit(wish)
}

/** Refuses to go on for a version that was rolled out, where another one was rolled out since then, or is being. */
export async function refuseOvertaken(engine: Engine, { name }: Migration, version: string): Promise<void> {
  const run = await findRun(engine, name)
  const other = run && overtaking(await engine.rollouts.history(), { run: run.id, version })
  if (other === undefined) return
  const what = other.isOver ? 'was rolled out meanwhile' : 'is being rolled out'
  throw new BellowsError('run_conflict', `"${version}" is not what runs: "${other.version}" ${what}.`, {
    hint: `See "bellows deploy history". To go on with that one: bellows deploy ${name} --to ${other.version}`,
  })
}

/** Versions that cannot be brought back, by what the journal says of contracts. */
export async function versionsTooOld(engine: Engine, history: RolloutHistory): Promise<readonly TooOld[]> {
  const runs = await readRuns(engine, 'all')
  return tooOld(
    history,
    runs.map(({ id, plan, retiredSeq }) => ({
      run: id,
      migration: plan.migration.name,
      retiredSeq,
    })),
  )
}

/** What is wanted of a rollout that is to be begun, or was and is not over. */
export interface Wanted {
  readonly version: string
  /** Of the workloads of a cluster, rather than of instances one by one? */
  readonly ofWorkloads: boolean
  /** Number of the last rollout that whoever wants it has heard of. */
  readonly behind?: number | undefined
}

export function refuseOther(
  { run, event }: RolloutHistory[number],
  mine: number | undefined,
  { version, ofWorkloads }: Wanted,
): void {
  if (event.kind !== 'rollout_started') return
  if (run === mine && event.version === version && 'workloads' in event === ofWorkloads) return
  throw new BellowsError('run_conflict', `The rollout of "${event.version}" is not over.`, {
    hint: 'See "bellows deploy status". Finish it (bellows deploy resume) or take it back (bellows deploy abort) first.',
  })
}

/** Another version that came in since a deployment began is not replaced by one that was wanted before. */
export function refuseUnseen(
  history: RolloutHistory,
  started: RolloutStarted | RollStarted,
  { version, behind }: Wanted,
): void {
  const other = behind === undefined ? undefined : cameInBehind(history, behind, started)
  if (other === undefined || other === version) return
  throw new BellowsError(
    'run_conflict',
    `"${other}" was rolled out since the deployment of "${version}" began.`,
    {
      hint: 'See "bellows deploy history". Where this one is to replace it all the same, run the same command again.',
    },
  )
}

export function refuseUnready(run: Run): void {
  refuseReturning(run)
  if (isThrough(run, 'verify')) return
  const { name } = run.plan.migration
  throw new BellowsError('phase_order', `The migration "${name}" is not ready for a new version yet.`, {
    hint: `First: bellows verify ${name}`,
  })
}

function refuseReturning({ state, plan }: Run): void {
  if (state !== 'rolling_back' && state !== 'rolled_back') return
  const { name } = plan.migration
  throw new BellowsError('run_conflict', `The migration "${name}" is ${state.replace('_', ' ')}.`, {
    hint: `Nothing is to be rolled out for it. Begin it anew: bellows expand ${name}`,
  })
}

export function refuseTooOld(version: string, old: readonly TooOld[]): void {
  const barred = old.find((one) => one.version === version)
  if (barred === undefined) return
  throw new BellowsError('not_reversible', `"${version}" cannot be rolled out: ${barred.because}.`, {
    hint: 'Roll out a version that was built for the schema as it is.',
  })
}

export function refuseUnfit({ rules, roles }: RolloutWish): void {
  const [problem] = rulesProblems(rules, roles)
  if (problem === undefined) return
  throw new BellowsError('config_invalid', `The rules of the rollout cannot work out: ${problem}.`, {
    hint: 'docs/deploy.md explains every parameter.',
  })
}
