import type { RolloutHistory } from './begin.ts'
import type { RolloutOutcome, RolloutStarted, RollStarted } from './event.ts'
import type { FleetInstance } from './fleet.ts'

/** What stands on the new shape of a migration. */
export interface StandsOn {
  readonly because: string
  /** What to do before the shape is taken away. */
  readonly hint: string
}

/**
 * Why the new shape of a migration may not be taken away: what was rolled out for it may need that. Whatever ran before the first
 * of its rollouts does without.
 * @param history of its run alone
 * @param fleet absent where nobody can say what runs: then what the journal says counts
 */
export function standsOn(
  migration: string,
  history: RolloutHistory,
  fleet: readonly FleetInstance[] | undefined,
): StandsOn | undefined {
  const starts = history.flatMap(({ event }) => (event.kind === 'rollout_started' ? [event] : []))
  const [first, last, end] = [starts[0], starts.at(-1), history.at(-1)?.event]
  if (first === undefined || last === undefined) return undefined
  if (end?.kind !== 'ended')
    return {
      because: `the rollout of "${last.version}" is not over`,
      hint: `Take it back first: bellows deploy abort ${migration}`,
    }
  const earlier = first.before.map(({ version }) => version)
  const left = leftBy(last, end.outcome).filter((version) => !earlier.includes(version))
  const isOfOurs = ({ version, role }: FleetInstance) =>
    left.includes(version) || ('roles' in last && last.roles.some((one) => one.role === role))
  // Also what came in its place, be it for another migration; other roles are of another application on the same database.
  const living = fleet
    ?.filter((one) => one.state !== 'gone' && !earlier.includes(one.version) && isOfOurs(one))
    .map(({ version }) => version)
  const [newer] = left.length === 0 ? [] : (living ?? left)
  if (newer === undefined) return undefined
  const came = left.includes(newer) ? 'was rolled out for it' : 'came in behind what was rolled out for it'
  return {
    because: `"${newer}" ${came} and may still run`,
    hint:
      earlier[0] === undefined
        ? 'Stop it first.'
        : `Deploy what ran before first: bellows deploy rollout ${migration} --to ${earlier[0]}`,
  }
}

/**
 * Is it not known that a version came with a migration? It ran before the first rollout for it; or it came in where nothing ran
 * that its deployer knew of, as one does that ran elsewhere until then. How it comes back, such as behind an outage, tells nothing.
 * @param starts of all rollouts of its run, the oldest first
 */
export function mayBeEarlier(version: string, starts: readonly (RolloutStarted | RollStarted)[]): boolean {
  const ranBefore = starts[0]?.before.some((one) => one.version === version) === true
  return ranBefore || starts.find((one) => one.version === version)?.before.length === 0
}

/** Versions that a rollout has left running. */
export function leftBy(
  { version, before }: RolloutStarted | RollStarted,
  outcome: RolloutOutcome,
): readonly string[] {
  const others = before.map((one) => one.version)
  return { done: [version], rolled_back: others, abandoned: [version, ...others] }[outcome]
}
