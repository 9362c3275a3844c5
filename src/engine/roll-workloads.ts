import { BellowsError } from '../core/errors.ts'
import type { Release } from '../core/rollout/release.ts'
import type { SeenVersion } from '../core/rollout/seen-version.ts'
import { progressMaxMs, type Standing, standing, stoodForMs } from '../core/rollout/stall.ts'
import { type TooOld, whyNotPutBack } from '../core/rollout/way-back.ts'
import { type RolledWorkload, type WorkloadFacts, workloadName } from '../core/rollout/workload.ts'
import {
  type Act,
  afterEvent,
  foldRoll,
  isUntouched,
  nextAct,
  type Roll,
  type RollOutcome,
  turnsBack,
  type WorkloadEvent,
} from '../core/rollout/workload-event.ts'
import {
  type Ours,
  rollObstacles,
  type WorkloadRules,
  type WorkloadVerdict,
  workloadVerdict,
} from '../core/rollout/workload-verdict.ts'
import type { Clock, Cluster } from './ports.ts'

export interface RollRules extends WorkloadRules {
  /** Old pods that have not ended after so long without any ending are waited for by the next call. */
  readonly drainMaxMs: number
  /** Longest time between two looks, and shortest. */
  readonly pollMaxMs: number
  readonly pollMinMs: number
  /** Looks in a row that the cluster does not answer. A roll that cannot be seen has not failed. */
  readonly blindLooksMax: number
}

export interface Roller {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly rules: RollRules
  /** Returns when the event is durable: a template is changed only after what it was is kept. */
  readonly remember: (event: WorkloadEvent) => Promise<void>
  /** Asked between two looks. */
  readonly asked: () => Promise<Wanted>
  /** What no template is put back to, whatever fails: the database cannot serve it any more. */
  readonly tooOld: readonly TooOld[]
  /** Told of every look. */
  readonly notify: (facts: WorkloadFacts, verdict: WorkloadVerdict) => void
}

/** `pause`: stop here, the cluster goes on by itself · `abort`: go back. */
export type Wanted =
  | { readonly wants: 'go' | 'pause' }
  | { readonly wants: 'abort'; readonly because: string }

/** `refused`: nothing was changed · `draining`, `paused`: call again to go on. */
export type Rolled =
  | RollOutcome
  | { readonly state: 'refused' | 'draining' | 'paused'; readonly because: readonly string[] }

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
    if (act.act === 'end') return act.outcome
    const asked = await roller.asked()
    if (asked.wants === 'pause') return paused(act.workload)
    const noWayBack = whyNotPutBack(roll, roller.tooOld)
    if (act.act === 'put_back' && noWayBack !== undefined) return stuck(roll.because, noWayBack)
    const event =
      asked.wants === 'abort' && roll.direction === 'forward'
        ? aborted(asked)
        : await done(roller, release, roll, act)
    if (!('type' in event)) return event
    if (turnsBack(event) && noWayBack !== undefined) return stuck(event.because, noWayBack)
    await roller.remember(event)
    roll = afterEvent(roll, event)
  }
}

function aborted({ because }: Extract<Wanted, { readonly wants: 'abort' }>): WorkloadEvent {
  return { type: 'roll_aborted', because: [because] }
}

export async function lookAtAll(
  cluster: Cluster,
  workloads: readonly RolledWorkload[],
): Promise<readonly WorkloadFacts[]> {
  return await Promise.all(workloads.map((workload) => cluster.look(workload)))
}

function stuck(because: readonly string[], noWayBack: string): Rolled {
  return { state: 'stuck', because: [...because, noWayBack], back: [] }
}

/** A refusal of the first change is an error, because nothing was done; of a later one it is why the others go back. */
async function done(
  roller: Roller,
  release: Release,
  roll: Roll,
  act: Exclude<Act, { readonly act: 'end' }>,
): Promise<WorkloadEvent | Rolled> {
  try {
    return await performed(roller, release, act)
  } catch (error) {
    const isRefused =
      error instanceof BellowsError && ['cluster_refused', 'config_invalid'].includes(error.code)
    if (!isRefused || roll.direction === 'back' || isUntouched(roll)) throw error
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

/** What the end of a watch means; on the way back there is nothing to abort. */
const FORWARD = { rolled: 'workload_rolled', failed: 'workload_failed', canAbort: true } as const
const BACK = { rolled: 'workload_restored', failed: 'workload_stuck', canAbort: false } as const

/** Looks until something is decided, when something changes and once in a while. */
async function watched(
  roller: Roller,
  { workload, ours }: { readonly workload: RolledWorkload; readonly ours: Ours },
  meanings: typeof FORWARD | typeof BACK,
): Promise<WorkloadEvent | Rolled> {
  const { cluster, clock, rules } = roller
  const name = workloadName(workload)
  let stood: Standing | undefined
  for (;;) {
    const facts = await look(roller, workload)
    stood = standing(stood, facts)
    const verdict = stalled(workloadVerdict(facts, ours, rules), stood, facts, rules)
    roller.notify(facts, verdict)
    const { state, because } = verdict
    if (state === 'rolled') return { type: meanings.rolled, workload: name, because }
    if (state === 'failed') return { type: meanings.failed, workload: name, because }
    if (state === 'overtaken') return { type: 'workload_overtaken', workload: name, because }
    if (state === 'draining' && stoodForMs(stood, facts) > rules.drainMaxMs) return { state, because }
    const asked = await roller.asked()
    if (asked.wants === 'pause') return paused(workload)
    if (asked.wants === 'abort' && meanings.canAbort) return aborted(asked)
    // Many pods change at once: one look shows it all.
    await clock.sleep(rules.pollMinMs)
    await cluster.changed(rules.pollMaxMs)
  }
}

function stalled(
  verdict: WorkloadVerdict,
  stood: Standing,
  facts: WorkloadFacts,
  rules: RollRules,
): WorkloadVerdict {
  const stoodMs = stoodForMs(stood, facts)
  if (verdict.state !== 'rolling' || stoodMs <= progressMaxMs(facts, rules)) return verdict
  const still = `nothing has moved in the ${workloadName(facts)} for ${Math.round(stoodMs / 1000)} s`
  return { state: 'failed', because: [still, ...verdict.because] }
}

/** The roll goes on whether we see it or not. */
async function look(
  { cluster, clock, rules, asked }: Roller,
  workload: RolledWorkload,
): Promise<WorkloadFacts> {
  for (let blind = 1; ; blind += 1) {
    try {
      return await cluster.look(workload)
    } catch (error) {
      const isBlind = error instanceof BellowsError && error.code === 'cluster_unreachable'
      if (!isBlind || blind >= rules.blindLooksMax || (await asked()).wants !== 'go') throw error
      await clock.sleep(rules.pollMaxMs)
    }
  }
}

function paused(workload: RolledWorkload): Rolled {
  return { state: 'paused', because: [`stopped as asked, at the ${workloadName(workload)}`] }
}
