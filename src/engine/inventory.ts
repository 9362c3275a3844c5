import { messageOf } from '../core/errors.ts'
import type { GateFacts } from '../core/gate/facts.ts'
import type { InventoryFacts } from '../core/gate/inventory.ts'
import type { Rollout } from '../core/rollout/rollout.ts'
import type { WorkloadRollout } from '../core/rollout/workload-rollout.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'
import { readRollout } from './rollout/look.ts'

type Inventoried = Pick<GateFacts, 'inventory'>

/** The newest rollout for a run, and the version of the application that is to stay, where anybody has said so. */
export interface Staying {
  readonly last?: Rollout | WorkloadRollout | undefined
  /** Unless it was taken back or given up. */
  readonly rollout?: Rollout | WorkloadRollout | undefined
  readonly version?: string | undefined
}

export async function stayingOf(engine: Engine, run: number | undefined): Promise<Staying> {
  const { version } = engine.settings.gate
  if (run === undefined) return { version }
  const last = await readRollout(engine, run)
  const rollout = last?.outcome === 'rolled_back' || last?.outcome === 'abandoned' ? undefined : last
  return { last, rollout, version: version ?? rollout?.version }
}

/**
 * What there is of the application, for a run for which it was rolled out, or where whoever asks says which version is to stay.
 * A cluster that is known here is always asked: that it has one version alone does not say that this is the new one. Nor does
 * a rollout that was taken back or given up: what runs then is most often the old one.
 */
export async function inventoryOf(
  engine: Engine,
  { last, rollout, version }: Staying,
  { thing }: Pick<Gated, 'thing'>,
): Promise<Inventoried> {
  // Of such a thing the version is named to tell instances apart, also where nobody here knows what runs.
  const isKnown = engine.kubernetes !== undefined || engine.deployer !== undefined || last !== undefined
  if (thing !== undefined && !isKnown) return {}
  if (version === undefined)
    return engine.kubernetes === undefined && last === undefined ? {} : { inventory: UNNAMED }
  const isRolledOut = rollout === undefined || rollout.outcome === 'done'
  return { inventory: await seenOf(engine, rollout, { version, isRolledOut }) }
}

const UNNAMED: InventoryFacts = {
  unreadable: 'nobody has said which version of the application is to stay',
  unasked: true,
  hint: 'Say it: --to <version>. What "bellows deploy" has rolled out, or waited for, needs no word.',
}

/** Whoever rolled out is asked; where nobody did, whoever is known here. */
async function seenOf(
  { deployer, kubernetes }: Engine,
  rollout: Rollout | WorkloadRollout | undefined,
  judged: { readonly version: string; readonly isRolledOut: boolean },
): Promise<NonNullable<Inventoried['inventory']>> {
  const isOfWorkloads = rollout === undefined ? deployer === undefined : 'workloads' in rollout
  const told = `what runs beside "${judged.version}" is not known`
  try {
    if (isOfWorkloads && kubernetes !== undefined)
      return { ...judged, workloads: await kubernetes.cluster.inventory() }
    if (!isOfWorkloads && deployer !== undefined) return { ...judged, fleet: await deployer.fleet() }
    return { unreadable: `${told}: no deployer is configured here`, unasked: true }
  } catch (error) {
    return { unreadable: `${told}: ${messageOf(error)}` }
  }
}
