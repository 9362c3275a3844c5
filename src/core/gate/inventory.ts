import type { FleetInstance } from '../rollout/fleet.ts'
import { type GateCheck, green, known, type Offender } from './check.ts'

/** What the deployer has of an application that was rolled out for this migration. */
export type InventoryFacts =
  | {
      /** The version that was rolled out. */
      readonly version: string
      /** Has the rollout ended well? */
      readonly isRolledOut: boolean
      readonly fleet: readonly FleetInstance[]
    }
  | { readonly version: string; readonly unreadable: string }

/** E1: nothing of another version is there any more, what is ending included. */
export function inventoryCheck(facts: InventoryFacts): GateCheck {
  const { version } = facts
  if ('unreadable' in facts) return unknown(version, facts.unreadable)
  const old = facts.fleet.filter((one) => one.state !== 'gone' && one.version !== version)
  if (old.length === 0 && facts.isRolledOut)
    return green('inventory', [`every instance that its deployer knows is of "${version}"`])
  return {
    check: 'inventory',
    state: 'red',
    code: 'gate_closed',
    because: [
      ...(facts.isRolledOut ? [] : [`the rollout of "${version}" has not ended well`]),
      ...old.map((one) => `the instance "${one.id}" of "${one.version}" is still there, ${one.state}`),
    ],
    offenders: old.map(offender),
    hint: 'Finish the rollout: bellows deploy resume. What is left of an earlier one is removed by it, too.',
  }
}

function unknown(version: string, why: string): GateCheck {
  return {
    check: 'inventory',
    state: 'unknown',
    code: 'gate_closed',
    because: [`"${version}" was rolled out, and what runs now is not known: ${why}`],
    offenders: [],
    hint: 'Run this where the section "deploy" of the config file reaches whatever deploys the application.',
  }
}

function offender({ id, role, state }: FleetInstance): Offender {
  return known<Offender>({
    who: `the instance "${id}"`,
    application: role,
    fix: state === 'stopping' ? 'wait until it has ended' : 'bellows deploy resume',
  })
}
