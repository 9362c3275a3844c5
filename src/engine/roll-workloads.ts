import { BellowsError } from '../core/errors.ts'
import type { Release } from '../core/rollout/release.ts'
import type { SeenVersion } from '../core/rollout/seen-version.ts'
import { whyNotPutBack } from '../core/rollout/way-back.ts'
import { type RolledWorkload, type WorkloadFacts, workloadName } from '../core/rollout/workload.ts'
import {
  type Act,
  afterEvent,
  foldRoll,
  isUntouched,
  nextAct,
  type Roll,
  turnsBack,
  type WorkloadEvent,
} from '../core/rollout/workload-event.ts'
import { type Ours, rollObstacles } from '../core/rollout/workload-verdict.ts'
import type { Cluster } from './ports.ts'
import { rested } from './rest-workloads.ts'
import { aborted, paused, type Rolled, type Roller } from './roller.ts'
import { BACK, FORWARD, watched } from './watch-workload.ts'

/**
 * Brings a release into all workloads, one after the other, and takes it back from all when one fails. What is not finished
 * goes on from its events, in whatever process.
 * @param past the events of this release that were remembered before
 * @throws BellowsError when the cluster refuses something or does not answer: the same call goes on
 */
export async function rollWorkloads(
  roller: Roller,
  release: Release,
  workloads: readonly RolledWorkload[],
  past: readonly WorkloadEvent[],
): Promise<Rolled> {
  let roll = foldRoll(past)
  if (past.length === 0) {
    const obstacles = rollObstacles(await lookAtAll(roller.cluster, workloads))
    if (obstacles.length > 0) return { state: 'refused', because: obstacles }
  }
  for (;;) {
    const act = nextAct(roll, workloads)
    const noWayBack = whyNotPutBack(roll, roller.tooOld)
    const event = await next(roller, release, { roll, act, noWayBack, workloads })
    if (!('type' in event)) return event
    if (turnsBack(event) && noWayBack !== undefined) return stuck([...event.because, noWayBack])
    if (event.type === 'workload_failed' && roller.rules.onFailure === 'pause') return stuck(event.because)
    await roller.remember(event)
    roll = afterEvent(roll, event)
  }
}

interface Moment {
  readonly roll: Roll
  readonly act: Act
  readonly workloads: readonly RolledWorkload[]
  /** Why nothing may be put back, if it may not. */
  readonly noWayBack: string | undefined
}

async function next(roller: Roller, release: Release, moment: Moment): Promise<WorkloadEvent | Rolled> {
  const { roll, act, noWayBack } = moment
  if (isBehindWorkload(roll, act)) {
    const held = (await rested(roller, moment)) ?? (await checked(roller))
    if (held !== undefined) return held
  }
  if (act.act === 'end') return act.outcome
  const asked = await roller.asked()
  if (asked.wants === 'pause') return paused(act.workload)
  if (act.act === 'put_back' && noWayBack !== undefined) return stuck([...roll.because, noWayBack])
  if (asked.wants === 'abort' && roll.direction === 'forward') return aborted(asked)
  return await done(roller, release, roll, act)
}

/** Before the next one is touched, or all of it counts as done; also by whoever goes on after a crash. Not where somebody else deploys by now. */
function isBehindWorkload({ direction, stages }: Roll, act: Act): boolean {
  const isRolled = Object.values(stages).some(({ at }) => at === 'rolled')
  const isNext = act.act === 'save' || (act.act === 'end' && act.outcome.state === 'rolled')
  return direction === 'forward' && isRolled && isNext
}

async function checked({ checked, rules }: Roller): Promise<WorkloadEvent | Rolled | undefined> {
  const trouble = await checked()
  if (trouble === undefined) return undefined
  const isCondemned = trouble.outcome === 'fail' && rules.onFailure === 'rollback'
  return isCondemned ? aborted(trouble) : stuck([trouble.because])
}

export async function lookAtAll(
  cluster: Cluster,
  workloads: readonly RolledWorkload[],
): Promise<readonly WorkloadFacts[]> {
  return await Promise.all(workloads.map((workload) => cluster.look(workload)))
}

function stuck(because: readonly string[]): Rolled {
  return { state: 'stuck', because, back: [] }
}

/**
 * A refusal of the first change is an error, because nothing was done; of a later one it is why the others go back, and so is a workload
 * that is not there any more. That nobody may look says nothing of what was changed.
 */
async function done(
  roller: Roller,
  release: Release,
  roll: Roll,
  act: Exclude<Act, { readonly act: 'end' }>,
): Promise<WorkloadEvent | Rolled> {
  try {
    return await performed(roller, release, act)
  } catch (error) {
    const code = error instanceof BellowsError ? error.code : undefined
    const isMissing = code === 'config_invalid' && (act.act === 'change' || act.act === 'save')
    const isRefused = code === 'cluster_refused' && act.act === 'change'
    if (!(error instanceof BellowsError) || !(isMissing || isRefused) || isUntouched(roll)) throw error
    return { type: 'workload_failed', workload: workloadName(act.workload), because: [error.message] }
  }
}

async function performed(
  roller: Roller,
  release: Release,
  act: Exclude<Act, { readonly act: 'end' }>,
): Promise<WorkloadEvent | Rolled> {
  const { cluster } = roller
  const workload = workloadName(act.workload)
  switch (act.act) {
    case 'save':
      return { type: 'workload_saved', workload, saved: await cluster.template(act.workload) }
    case 'change': {
      const changed = await cluster.apply(act.workload, release, act.saved)
      if (changed.state === 'overtaken') return overtaken(workload)
      return { type: 'workload_changed', workload, ours: oursOf({ known: release.version }, changed) }
    }
    case 'put_back': {
      const changed = await cluster.restore(act.workload, release, act.saved)
      if (changed.state === 'overtaken') return overtaken(workload)
      return { type: 'workload_put_back', workload, ours: oursOf(act.saved.version, changed) }
    }
    case 'watch':
      return await watched(roller, act, FORWARD)
    case 'watch_back':
      return await watched(roller, act, BACK)
  }
}

function oursOf(version: SeenVersion, { generation, stale }: Omit<Ours, 'version'>): Ours {
  return { version, generation, stale }
}

function overtaken(workload: string): WorkloadEvent {
  const because = [`somebody else changed the ${workload} before us, so it is left as it is`]
  return { type: 'workload_overtaken', workload, because }
}
