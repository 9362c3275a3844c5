import type { RolloutHistory } from './begin.ts'
import type { RolloutStarted, RollStarted } from './event.ts'
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
  const own = history.findLast(
    (one) => one.run === run && one.event.kind === 'rollout_started' && one.event.version === version,
  )?.event
  const ours = own?.kind === 'rollout_started' ? own : undefined
  const at = history.findLastIndex(
    ({ event }) => event.kind === 'rollout_started' && (ours === undefined || replacesSame(event, ours)),
  )
  const last = history[at]
  if (last?.event.kind !== 'rollout_started') return undefined
  const end = history.slice(at + 1).find(({ run }) => run === last.run)?.event
  const isOver = end?.kind === 'ended'
  const there = isOver ? leftBy(last.event, end.outcome) : [last.event.version]
  const other = there.find((one) => one !== version)
  return other === undefined ? undefined : { version: other, isOver }
}

/** The version that was rolled out last in place of the same as another rollout is about. */
export function lastInPlaceOf(
  history: RolloutHistory,
  started: RolloutStarted | RollStarted,
): string | undefined {
  const events = history.map(({ event }) => event)
  return events
    .flatMap((event) =>
      event.kind === 'rollout_started' && replacesSame(event, started) ? [event.version] : [],
    )
    .at(-1)
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
