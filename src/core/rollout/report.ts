import type { FleetInstance } from './fleet.ts'
import type { Known, Rollout } from './rollout.ts'
import { conditionOf } from './words.ts'

/** One instance as a table shows it. */
export interface InstanceLine {
  readonly id: string
  readonly role: string
  readonly slot: number
  readonly version: string
  /** `pending`, `starting`, `probing 1/2`, `soaking 7/10 s`, `serving`, `draining (2 requests)`, `stopping`, `gone`, `failed`. */
  readonly state: string
  /** Milliseconds in this state, where the deployer tells it. */
  readonly inStateMs?: number
  readonly inFlight?: number
  /** Of one that failed: why. Otherwise what its last health check that failed said. */
  readonly error?: string
}

/** Everyone that the rollout knows or that is there, by role, slot and age. Who is gone of earlier ones is of no interest. */
export function instanceLines(rollout: Rollout, fleet: readonly FleetInstance[]): readonly InstanceLine[] {
  const seen = new Map(fleet.map((one) => [one.id, one]))
  const known = [...rollout.instances.values()]
  const ours = known.map((one) => lineOf(rollout, one, seen.get(one.id)))
  const others = fleet
    .filter(({ id, state }) => state !== 'gone' && !rollout.instances.has(id))
    .map((one) => foundLine(rollout, one))
  const places = new Map(rollout.roles.map(({ role }, at) => [role, at]))
  const placeOf = ({ role }: InstanceLine) => places.get(role) ?? rollout.roles.length
  return [...ours, ...others].sort(
    (a, b) => placeOf(a) - placeOf(b) || (a.role === b.role ? a.slot - b.slot : a.role < b.role ? -1 : 1),
  )
}

function lineOf(rollout: Rollout, known: Known, one: FleetInstance | undefined): InstanceLine {
  const { id, role, slot, version, failed } = known
  const shown =
    one === undefined || known.state === 'gone' ? { state: absent(known) } : foundLine(rollout, one)
  return {
    id,
    role,
    slot,
    version,
    ...shown,
    ...(failed === undefined
      ? {}
      : { state: known.state === 'gone' ? 'failed' : `failed, ${shown.state}`, error: failed }),
  }
}

function absent({ state }: Known): string {
  return state === 'placed' ? 'pending' : 'gone'
}

function foundLine(rollout: Rollout, one: FleetInstance): InstanceLine {
  const { id, role, slot, version, inStateMs, inFlight, health, ended } = one
  const error = one.state === 'gone' ? ended : health.failures > 0 ? health.lastError : undefined
  return {
    id,
    role,
    slot,
    version,
    state: conditionOf(one, rollout.rules),
    inStateMs,
    ...(inFlight === undefined ? {} : { inFlight }),
    ...(error === undefined ? {} : { error }),
  }
}
