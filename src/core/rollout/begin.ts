import type { Replaced, RoleWish, RolloutEntry, RolloutStarted } from './event.ts'
import type { FleetInstance } from './fleet.ts'
import { slotName } from './rollout.ts'
import type { RolloutRules } from './rules.ts'

/** What somebody wants to run. */
export interface RolloutWish {
  /** Version of the application. Whatever runs of this version already stays. */
  readonly version: string
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
  /** Number of the last rollout that whoever wishes it has heard of: what came in since is not replaced. Absent: it is. */
  readonly behind?: number
}

/** Beginnings and ends of rollouts of all runs, oldest first. */
export type RolloutHistory = readonly (RolloutEntry & { readonly run: number })[]

export function beginning(
  wish: RolloutWish,
  fleet: readonly FleetInstance[],
  history: RolloutHistory,
  heard: number,
): RolloutStarted {
  return {
    kind: 'rollout_started',
    number: Math.max(nextNumber(history), ...fleet.map(({ id }) => numberIn(id) + 1)),
    version: wish.version,
    roles: wish.roles,
    rules: wish.rules,
    before: servingIn(fleet, wish.rules),
    heard,
  }
}

/** One more than the journal knows. */
export function nextNumber(history: RolloutHistory): number {
  return 1 + Math.max(0, ...history.map(numberOf))
}

/** The number of the rollout that an entry begins; 0 where it begins none. */
export function numberOf({ event }: RolloutEntry): number {
  return event.kind === 'rollout_started' ? event.number : 0
}

/** Of those that are gone, whoever was of a deployment so long ago that nobody asks for its logs any more. */
export function forgettable(
  fleet: readonly FleetInstance[],
  { number, rules }: RolloutStarted,
): readonly FleetInstance[] {
  return fleet.filter(({ id, state }) => state === 'gone' && numberIn(id) < number - rules.history)
}

/** A fleet may be older than the database, such as one that was restored: no id may mean two instances. */
function numberIn(id: string): number {
  return Number(/-r(\d+)-\d+$/.exec(id)?.[1] ?? 0)
}

/**
 * Who serves, one a slot: the healthy one, and of several the eldest. The rest was left there by something interrupted. One that
 * ended by itself just now and comes back does, too, or a rollback would leave its place empty.
 */
export function servingIn(fleet: readonly FleetInstance[], rules: RolloutRules): readonly Replaced[] {
  const isHealthy = ({ state, health }: FleetInstance) =>
    state === 'serving' && health.failures < rules.health.failure
  const best = fleet
    .filter(({ state, returning }) => state === 'serving' || returning === true)
    .toSorted((a, b) => Number(isHealthy(b)) - Number(isHealthy(a)) || b.inStateMs - a.inStateMs)
  const taken = new Set<string>()
  return best
    .filter((one) => !taken.has(slotName(one)) && taken.add(slotName(one)))
    .map((one) => ({
      id: one.id,
      role: one.role,
      slot: one.slot,
      version: one.version,
      available: isHealthy(one),
    }))
}

/** The last beginning of a run that has no end yet. */
export function openIn(history: RolloutHistory): RolloutHistory[number] | undefined {
  const last = new Map(history.map((entry) => [entry.run, entry]))
  return [...last.values()].find(({ event }) => event.kind === 'rollout_started')
}

/** The run for which the last rollout was, where that was of this version and did not end well: it is to be tried again. */
export function failedIn(history: RolloutHistory, version: string): number | undefined {
  const last = history.findLast(({ event }) => event.kind === 'rollout_started')
  const end = history.at(-1)?.event
  if (last?.event.kind !== 'rollout_started' || last.event.version !== version) return undefined
  return end?.kind === 'ended' && end.outcome !== 'done' ? last.run : undefined
}
