import { messageOf } from '../core/errors.ts'
import type { GateFacts } from '../core/gate/facts.ts'
import type { InventoryFacts } from '../core/gate/inventory.ts'
import { NEEDS_NO_WORD } from '../core/gate/leases.ts'
import type { Rollout } from '../core/rollout/rollout.ts'
import type { WorkloadRollout } from '../core/rollout/workload-rollout.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import type { Staying } from './staying.ts'

type Inventoried = Pick<GateFacts, 'inventory'>

/**
 * What there is of the application, for a run for which it was rolled out, or where whoever asks says which version is to stay.
 * Whoever deploys it and is known here is always asked: that one version runs alone does not say that this is the new one. Nor
 * does a rollout that was taken back or given up: what runs then is most often the old one.
 */
export async function inventoryOf(
  engine: Engine,
  { last, rollout, unclear, version }: Staying,
  { plan }: Run,
): Promise<Inventoried> {
  const isKnown = engine.kubernetes !== undefined || engine.deployer !== undefined || last !== undefined
  // Where more leaves than columns the version is named to tell instances apart, also where nobody here knows what runs.
  const tellsApart = plan.steps.some((step) => step.kind === 'gate' && step.thing !== undefined)
  if (!isKnown && (tellsApart || version === undefined)) return {}
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
