import { failedIn, openIn } from '../../core/rollout/begin.ts'
import type { RolloutEntry } from '../../core/rollout/event.ts'
import { foldRollout } from '../../core/rollout/fold.ts'
import { type PastRollout, pastRollouts } from '../../core/rollout/past.ts'
import type { Rollout } from '../../core/rollout/rollout.ts'
import { foldWorkloadRollout, type WorkloadRollout } from '../../core/rollout/workload-rollout.ts'
import type { Engine } from '../context.ts'
import { versionsTooOld } from './refuse.ts'

/** The last rollout of a run, whether it is over or not. */
export async function readRollout(
  engine: Engine,
  run: number,
): Promise<Rollout | WorkloadRollout | undefined> {
  return lastRollout(await readRolloutEntries(engine, run))
}

/** All that happened in the rollouts of a run, the oldest first. */
export async function readRolloutEntries(engine: Engine, run: number): Promise<readonly RolloutEntry[]> {
  if (!(await engine.journal.isInstalled())) return []
  return (await engine.rollouts.look(run, { entry: 0, request: 0 })).entries
}

/** The last one that entries tell of, whether it is over or not. */
export function lastRollout(entries: readonly RolloutEntry[]): Rollout | WorkloadRollout | undefined {
  return foldRollout(undefined, entries) ?? foldWorkloadRollout(undefined, entries)
}

/** All rollouts of all runs, the newest first. */
export async function readPastRollouts(engine: Engine): Promise<readonly PastRollout[]> {
  if (!(await engine.journal.isInstalled())) return []
  const history = await engine.rollouts.history()
  return pastRollouts(history, await versionsTooOld(engine, history))
}

/** The run whose rollout is not over, of which there is one at most; else the one for which a version was tried in vain last. */
export async function runRollingOut(
  engine: Engine,
  version: string | undefined,
): Promise<number | undefined> {
  if (!(await engine.journal.isInstalled())) return undefined
  const history = await engine.rollouts.history()
  return openIn(history)?.run ?? (version === undefined ? undefined : failedIn(history, version))
}
