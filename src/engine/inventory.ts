import { messageOf } from '../core/errors.ts'
import type { GateFacts } from '../core/gate/facts.ts'
import type { InventoryFacts } from '../core/gate/inventory.ts'
import { NEEDS_NO_WORD } from '../core/gate/leases.ts'
import type { RolloutEntry } from '../core/rollout/event.ts'
import type { Rollout } from '../core/rollout/rollout.ts'
import { mayBeEarlier } from '../core/rollout/stands-on.ts'
import type { WorkloadRollout } from '../core/rollout/workload-rollout.ts'
import type { Engine } from './context.ts'
import type { Gated } from './gated.ts'
import { lastRollout, readRolloutEntries } from './rollout/look.ts'

type Inventoried = Pick<GateFacts, 'inventory'>

/** The newest rollout for a run, and the version of the application that is to stay, where anybody has said so. */
export interface Staying {
  readonly last?: Rollout | WorkloadRollout | undefined
  /** Unless it was taken back or given up. */
  readonly rollout?: Rollout | WorkloadRollout | undefined
  /** Why nobody knows it, where that is not plain. */
  readonly unclear?: string | undefined
  readonly version?: string | undefined
}

/**
 * The word of whoever asks goes before what was rolled out last. That tells nothing where it may have run before the migration: it is
 * what uses the old shape then, be it that it came under a deployer for the first time, or was gone back to.
 */
export async function stayingOf(engine: Engine, run: number | undefined): Promise<Staying> {
  const { version } = engine.settings.gate
  if (run === undefined) return { version }
  const entries = await readRolloutEntries(engine, run)
  const last = lastRollout(entries)
  const rollout = last?.outcome === 'rolled_back' || last?.outcome === 'abandoned' ? undefined : last
  if (version !== undefined || rollout === undefined) return { last, rollout, version }
  return mayBeEarlier(rollout.version, startsIn(entries))
    ? {
        last,
        rollout,
        unclear: `"${rollout.version}", which was rolled out last, may have run before the migration`,
      }
    : { last, rollout, version: rollout.version }
}

function startsIn(entries: readonly RolloutEntry[]) {
  return entries.flatMap(({ event }) => (event.kind === 'rollout_started' ? [event] : []))
}

/**
 * What there is of the application, for a run for which it was rolled out, or where whoever asks says which version is to stay.
 * Whoever deploys it and is known here is always asked: that one version runs alone does not say that this is the new one. Nor
 * does a rollout that was taken back or given up: what runs then is most often the old one.
 */
export async function inventoryOf(
  engine: Engine,
  { last, rollout, unclear, version }: Staying,
  { thing }: Pick<Gated, 'thing'>,
): Promise<Inventoried> {
  // Of such a thing the version is named to tell instances apart, also where nobody here knows what runs.
  const isKnown = engine.kubernetes !== undefined || engine.deployer !== undefined || last !== undefined
  if (!isKnown && (thing !== undefined || version === undefined)) return {}
  if (version === undefined) return { inventory: unnamed(unclear) }
  const isRolledOut = rollout === undefined || rollout.outcome === 'done'
  return { inventory: await seenOf(engine, rollout, { version, isRolledOut }) }
}

function unnamed(unclear: string | undefined): InventoryFacts {
  return {
    unreadable: ['nobody has said which version of the application is to stay', unclear]
      .filter((part) => part !== undefined)
      .join(': '),
    unasked: true,
    hint: `Say it: --to <version>. ${NEEDS_NO_WORD}`,
  }
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
