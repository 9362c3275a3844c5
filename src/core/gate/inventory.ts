import type { FleetInstance } from '../rollout/fleet.ts'
import { type Inventory, inventoryWarnings, leftOvers, oldGone } from '../rollout/inventory.ts'
import { type GateCheck, green, type Offender } from './check.ts'

/** What there is of the application: as its deployer has it, or as the workloads of a cluster show it. */
export type InventoryFacts =
  | (Judged & { readonly fleet: readonly FleetInstance[] })
  | (Judged & { readonly workloads: Inventory })
  /** Why nothing can be said. Of `unasked` nobody was asked: whoever looks lacks the word or the means for that. */
  | { readonly unreadable: string; readonly hint?: string; readonly unasked?: true }

interface Judged {
  /** The version that is to stay. */
  readonly version: string
  /** Is no rollout of it under way, or stopped half done? */
  readonly isRolledOut: boolean
}

/** E1: nothing of another version is there any more, what is ending included. */
export function inventoryCheck(facts: InventoryFacts): GateCheck {
  if ('unreadable' in facts) return unknown([facts.unreadable], facts.hint ?? RUN_THERE)
  return 'fleet' in facts ? fleetCheck(facts) : workloadsCheck(facts)
}

function fleetCheck(facts: Extract<InventoryFacts, { readonly fleet: unknown }>): GateCheck {
  const old = facts.fleet.filter((one) => one.state !== 'gone' && one.version !== facts.version)
  if (old.length === 0 && facts.isRolledOut)
    return green('inventory', [`every instance that its deployer knows is of "${facts.version}"`])
  return red(
    [
      ...unfinished(facts),
      ...old.map((one) => `the instance "${one.id}" of "${one.version}" is still there, ${one.state}`),
    ],
    old.map((one) => instanceOffender(one, facts.version)),
    `Begin the rollout, or finish it: ${rollOut(facts.version)}. What is left of an earlier one is removed by it, too.`,
  )
}

function workloadsCheck(facts: Extract<InventoryFacts, { readonly workloads: unknown }>): GateCheck {
  const { state, because } = oldGone(facts.workloads, facts.version)
  const all = [...unfinished(facts), ...because, ...inventoryWarnings(facts.workloads)]
  if (state === 'gone' && facts.isRolledOut) return green('inventory', all)
  if (state === 'unknown' && facts.isRolledOut) return unknown(all, RUN_THERE)
  return red(
    all,
    leftOvers(facts.workloads, facts.version).map(({ because: _because, ...one }) => one),
    'Bring the version that is to stay into every workload, and wait until the last pod of another one has ended.',
  )
}

function unfinished({ isRolledOut, version }: Judged): readonly string[] {
  return isRolledOut ? [] : [`the rollout of "${version}" has not ended well`]
}

function red(because: readonly string[], offenders: readonly Offender[], hint: string): GateCheck {
  return { check: 'inventory', state: 'red', code: 'gate_closed', because, offenders, hint }
}

const RUN_THERE =
  'Run this where the section "deploy" of the config file reaches whatever deploys the application.'

function unknown(because: readonly string[], hint: string): GateCheck {
  return { check: 'inventory', state: 'unknown', code: 'gate_closed', because, offenders: [], hint }
}

function rollOut(version: string): string {
  return `bellows deploy rollout --to ${version}`
}

function instanceOffender({ id, version, state }: FleetInstance, staying: string): Offender {
  return {
    who: `the instance "${id}"`,
    version,
    fix: state === 'stopping' ? 'wait until it has ended: bellows gate wait' : rollOut(staying),
  }
}
