import type { RolloutHistory } from './begin.ts'
import type { RolloutStarted, RollStarted } from './event.ts'
import { rolloutsIn } from './history.ts'
import { leftBy } from './stands-on.ts'
import { workloadName } from './workload.ts'

/** What runs in place of a version that was rolled out before, or is to. */
export interface Overtaking {
  readonly version: string
  readonly isOver: boolean
}

/** Whoever rolled out a version for a run, and waits since then. */
export interface Waiter {
  readonly run: number
  readonly version: string
}

/**
 * Whoever waits keeps nobody from rolling out another version. Another application on the same database is none: only what replaces an
 * instance or a workload of the same name counts.
 */
export function overtaking(history: RolloutHistory, { run, version }: Waiter): Overtaking | undefined {
  const rollouts = rolloutsIn(history)
  const own = rollouts.findLast((one) => one.run === run && one.begun.version === version)?.begun
  const last = rollouts.findLast(({ begun }) => own === undefined || replacesSame(begun, own))
  if (last === undefined) return undefined
  const { begun, end } = last
  const there = end === undefined ? [begun.version] : leftBy(begun, end.outcome)
  const other = there.find((one) => one !== version)
  return other === undefined ? undefined : { version: other, isOver: end !== undefined }
}

/** The version that came in last, behind the rollout of a number, in place of the same as another one is about. What was taken back did not. */
export function cameInBehind(
  history: RolloutHistory,
  number: number,
  started: RolloutStarted | RollStarted,
): string | undefined {
  return rolloutsIn(history).findLast(
    ({ begun, end }) =>
      begun.number > number && end?.outcome !== 'rolled_back' && replacesSame(begun, started),
  )?.begun.version
}

/** Another application on the same database has roles or workloads of its own. */
export function replacesSame(
  one: RolloutStarted | RollStarted,
  other: RolloutStarted | RollStarted,
): boolean {
  const names = replacedBy(other)
  return replacedBy(one).some((name) => names.includes(name))
}

/** The roles or the workloads that a rollout is about. */
function replacedBy(started: RolloutStarted | RollStarted): readonly string[] {
  return 'workloads' in started
    ? started.workloads.map(workloadName)
    : started.roles.map(({ role }) => `role "${role}"`)
}
