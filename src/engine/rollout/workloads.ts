import { BellowsError } from '../../core/errors.ts'
import { nextNumber } from '../../core/rollout/begin.ts'
import type { RolloutEvent, RollStarted } from '../../core/rollout/event.ts'
import { refuseUnwritable } from '../../core/rollout/seen-version.ts'
import { isRolled, type WorkloadFacts } from '../../core/rollout/workload.ts'
import { turnsBack } from '../../core/rollout/workload-event.ts'
import type { WorkloadRollout } from '../../core/rollout/workload-rollout.ts'
import { rollObstacles } from '../../core/rollout/workload-verdict.ts'
import type { Driving, Engine, Kubernetes } from '../context.ts'
import { readRun } from '../drive.ts'
import type { Cluster, Driver } from '../ports.ts'
import { lookAtAll, rollWorkloads } from '../roll-workloads.ts'
import type { Rolled, Roller, Wanted } from '../roller.ts'
import { stopRolloutIfAsked } from '../stop.ts'
import { beginOnce } from './begin.ts'
import { conclude } from './conclude.ts'
import { type Observed, type Observer, observeWorkloads } from './observe.ts'
import { versionsTooOld } from './refuse.ts'
import { type Heard, type RollLog, rollLog } from './roll-log.ts'
import { settled, standing } from './settle.ts'
import { askBehindWorkload } from './workload-checks.ts'

/** A version for the workloads of the cluster that this database was opened with. */
export interface WorkloadWish {
  readonly version: string
  /** How long somebody else is waited for who brings it in; of no use where Bellows does so itself. */
  readonly waitMs: number
  /** As of a `RolloutWish`. */
  readonly behind?: number
}

/**
 * Brings a version into every workload, or waits until somebody else has; or goes on with that where it was left.
 * @throws BellowsError `rollout_failed` when it was taken back or abandoned, `rollout_paused` when it waits for somebody
 */
export async function rollOutWorkloads(
  engine: Driving,
  run: number,
  { version, waitMs, behind }: WorkloadWish,
): Promise<WorkloadRollout> {
  const kubernetes = kubernetesNeeded(engine)
  const { mode, workloads } = kubernetes
  await beginOnce(engine, run, {
    version,
    ofWorkloads: true,
    behind,
    start: async (history, heard): Promise<RollStarted> => {
      const facts = await standingWorkloads(engine)
      if (mode === 'drive') await refuseUnrollable(kubernetes, version, facts)
      const before = versionsIn(facts).map((one) => ({ version: one }))
      return { kind: 'rollout_started', number: nextNumber(history), version, mode, workloads, before, heard }
    },
  })
  return await driveWorkloads(engine, run, waitMs)
}

export async function standingWorkloads(engine: Engine): Promise<readonly WorkloadFacts[]> {
  const { cluster, workloads } = kubernetesNeeded(engine)
  return await lookAtAll(cluster, workloads.filter(isRolled))
}

/** Goes on with the roll of a run, by what it was begun with, until it is over or stands still for somebody. */
export async function driveWorkloads(engine: Driving, run: number, waitMs: number): Promise<WorkloadRollout> {
  const kubernetes = kubernetesNeeded(engine)
  const log = rollLog(engine, run)
  const { rollout, nowMs } = await log.hear()
  if (rollout.mode !== kubernetes.mode) throw otherMode(rollout.mode)
  const verdict =
    (await standing(log, rollout)) ??
    (rollout.mode === 'observe'
      ? await settled(log, await observed(engine, kubernetes, log, nowMs + waitMs))
      : await settled(log, await rolled(engine, kubernetes, log, run)))
  const { rollout: now } = await log.hear()
  await conclude(engine, run, now, verdict)
  return now
}

async function rolled(engine: Driving, kubernetes: Kubernetes, log: RollLog, run: number): Promise<Rolled> {
  const { rollout } = await log.hear()
  const { name } = (await readRun(engine, run)).plan.migration
  const { number, version, workloads, past } = rollout
  const release = {
    rollout: `${name}/${number}`,
    version,
    cause: `bellows: version ${version} for ${name}`,
  }
  const roller: Roller = {
    cluster: fenced(kubernetes.cluster, engine.driver),
    clock: engine.clock,
    rules: kubernetes.rules,
    tooOld: await versionsTooOld(engine, await engine.rollouts.history()),
    remember: async (event) => {
      const turned = turnsBack(event) ? [turnedBack(event.because)] : []
      await log.write({ kind: 'workload', event }, ...turned)
    },
    asked: async () => wanted((await heardUnlessStopping(engine, log)).rollout),
    rolledForMs: async () => {
      const { rollout, nowMs } = await log.hear()
      return nowMs - (rollout.rolledAtMs ?? nowMs)
    },
    checked: () => askBehindWorkload(engine, log, kubernetes.checkRules),
    notify: (_facts, { state, because }) =>
      engine.notify({ type: 'waiting_for_rollout', waitsFor: state === 'rolled' ? [] : because }),
    blind: (because) => engine.notify({ type: 'waiting_for_rollout', waitsFor: [because] }),
  }
  return await rollWorkloads(roller, release, workloads.filter(isRolled), past)
}

function turnedBack(because: readonly string[]): RolloutEvent {
  return { kind: 'turned_back', because: because.join('; ') }
}

/** Nobody changes the cluster who was replaced as the driver meanwhile. */
function fenced(cluster: Cluster, driver: Driver): Cluster {
  return {
    ...cluster,
    apply: async (...given) => {
      await driver.beat()
      return await cluster.apply(...given)
    },
    restore: async (...given) => {
      await driver.beat()
      return await cluster.restore(...given)
    },
  }
}

/** A way back cannot be aborted but by standing still; see `settled`. */
function wanted({ abortedBy, paused, direction }: WorkloadRollout): Wanted {
  if (abortedBy !== undefined && direction === 'forward')
    return { wants: 'abort', because: `aborted by ${abortedBy}` }
  return { wants: abortedBy !== undefined || paused !== undefined ? 'pause' : 'go' }
}

async function observed(
  engine: Driving,
  { cluster, rules }: Kubernetes,
  log: RollLog,
  untilMs: number,
): Promise<Observed> {
  const { version, workloads } = (await log.hear()).rollout
  const observer: Observer = {
    cluster,
    rules,
    clock: engine.clock,
    goesOn: async () => {
      const { rollout, nowMs } = await heardUnlessStopping(engine, log)
      if (rollout.abortedBy !== undefined || rollout.paused !== undefined) return 'stop'
      return nowMs >= untilMs ? 'late' : 'on'
    },
    notify: (waitsFor) => engine.notify({ type: 'waiting_for_rollout', waitsFor }),
  }
  return await observeWorkloads(observer, version, workloads.filter(isRolled))
}

async function heardUnlessStopping(engine: Driving, log: RollLog): Promise<Heard> {
  stopRolloutIfAsked(engine, 'the cluster goes on by itself')
  return await log.hear()
}

/** Better said before anything is written than when the first workload is to be changed. */
async function refuseUnrollable(
  { cluster, workloads }: Kubernetes,
  version: string,
  facts: readonly WorkloadFacts[],
): Promise<void> {
  refuseUnwritable(version)
  // Fails where the container is not there.
  await Promise.all(workloads.filter(isRolled).map((workload) => cluster.template(workload)))
  const obstacles = rollObstacles(facts)
  if (obstacles.length === 0) return
  throw new BellowsError('rollout_failed', `"${version}" was not rolled out: ${obstacles.join('; ')}.`, {
    hint: 'Nothing was changed. Remove what stands in the way, then run the same command again.',
  })
}

function versionsIn(workloads: readonly WorkloadFacts[]): readonly string[] {
  const seen = workloads.flatMap(({ version, pods }) => [version, ...pods.map((pod) => pod.version)])
  return [...new Set(seen.flatMap((one) => ('known' in one ? [one.known] : [])))]
}

function kubernetesNeeded({ kubernetes }: Engine): Kubernetes {
  if (kubernetes !== undefined) return kubernetes
  throw new BellowsError('config_invalid', 'The workloads of the application are not known here.', {
    hint: 'Name them in "deploy: { kubernetes: … }" of the config file: docs/deploy-kubernetes.md',
  })
}

function otherMode(mode: Kubernetes['mode']): BellowsError {
  return new BellowsError('run_conflict', `The rollout that is under way was begun in the mode "${mode}".`, {
    hint: `Finish it, or take it back (bellows deploy abort), with "mode: ${mode}" in the config file.`,
  })
}
