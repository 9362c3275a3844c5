import { type RolledWorkload, workloadName } from '../../core/rollout/workload.ts'
import { whatIsAwaited } from '../../core/rollout/workload-verdict.ts'
import type { Kubernetes } from '../context.ts'
import type { Clock } from '../ports.ts'
import { lookAtAll } from '../roll-workloads.ts'
import { isBlind } from '../watch-workload.ts'

/** Whoever watches how somebody else brings a version into the workloads. */
export interface Observer extends Pick<Kubernetes, 'cluster' | 'rules'> {
  readonly clock: Clock
  /** Asked between two looks. */
  readonly goesOn: () => Promise<'on' | 'stop' | 'late'>
  /** Told of every look. */
  readonly notify: (waitsFor: readonly string[]) => void
}

/** `waiting`: it was not so in time · `paused`: somebody asked to stop waiting. */
export interface Observed {
  readonly state: 'rolled' | 'waiting' | 'paused'
  readonly because: readonly string[]
}

/** Looks until a version is everywhere and no old pod is left. Nothing is ever changed. */
export async function observeWorkloads(
  observer: Observer,
  version: string,
  workloads: readonly RolledWorkload[],
): Promise<Observed> {
  const { cluster, clock, rules, goesOn, notify } = observer
  for (;;) {
    const waitsFor = await awaited(observer, version, workloads)
    if (waitsFor.length === 0)
      return { state: 'rolled', because: workloads.map((one) => `the ${workloadName(one)} is rolled`) }
    notify(waitsFor)
    const next = await goesOn()
    if (next !== 'on') return { state: next === 'late' ? 'waiting' : 'paused', because: waitsFor }
    await clock.sleep(rules.pollMinMs)
    await cluster.changed(rules.pollMaxMs)
  }
}

/** A cluster that does not answer is waited for, too: nothing is known to be wrong. */
async function awaited(
  { cluster, rules }: Observer,
  version: string,
  workloads: readonly RolledWorkload[],
): Promise<readonly string[]> {
  try {
    const facts = await lookAtAll(cluster, workloads)
    return facts.flatMap((one) => whatIsAwaited(one, version, rules))
  } catch (error) {
    if (!isBlind(error)) throw error
    return [error.message]
  }
}
