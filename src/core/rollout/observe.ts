import type { RolloutEvent } from './event.ts'
import type { FleetInstance } from './fleet.ts'
import { type Known, slotName } from './rollout.ts'
import { counts, isReady, isWanted, type View } from './view.ts'
import { errorOf, secondsOf } from './words.ts'

/** What became of the instances that the rollout knows. Until its end: one that served and turned bad has failed, too. */
export function observed(view: View): readonly RolloutEvent[] {
  const filled = new Map(
    view.slots.flatMap(({ name, keep }) => (keep && counts(view.rollout, keep) ? [[name, keep.id]] : [])),
  )
  return [...view.rollout.instances.values()]
    .filter(({ state }) => state !== 'gone')
    .flatMap((known) => {
      const by = filled.get(slotName(known))
      // One in whose place an earlier one serves again, after all, is told to end, and that is no failure.
      const isOurs = isWanted(view.rollout, known) && (by === undefined || by === known.id)
      return eventsOf(view, { ...known, isOurs }, view.fleet.get(known.id))
    })
}

function eventsOf(
  view: View,
  known: Known & { readonly isOurs: boolean },
  one: FleetInstance | undefined,
): readonly RolloutEvent[] {
  const { id, isOurs } = known
  if (one === undefined && known.state === 'placed')
    return isOurs ? neverCame(view, known) : strayed(view, known)
  if (one === undefined || one.state === 'gone') {
    return [isOurs ? failure(id, endingOf(id, one)) : { kind: 'gone', id }]
  }
  const because = isOurs ? problemOf(view, known, one) : undefined
  if (because !== undefined) return [failure(id, because)]
  const isReadyNow = isOurs && one.state === 'serving' && isReady(view.rollout, one)
  if (isReadyNow && known.state !== 'serving') return [{ kind: 'serving', id }]
  if (known.state === 'placed') return [{ kind: 'running', id }]
  return []
}

function endingOf(id: string, one: FleetInstance | undefined): string {
  if (one === undefined) return `"${id}" is not there any more`
  return `"${id}" ended by itself${one.ended === undefined ? '' : `: ${one.ended}`}`
}

/** Its start may have been under way when it was no longer wanted: then it shows within the next look. */
function strayed({ rollout, nowMs, sinceMs }: View, { id }: Known): readonly RolloutEvent[] {
  const isQuiet = nowMs - Math.max(rollout.movedAtMs, sinceMs) >= rollout.rules.pollMs
  return isQuiet ? [{ kind: 'gone', id }] : []
}

function neverCame({ nowMs, sinceMs, troubles, rollout }: View, known: Known): readonly RolloutEvent[] {
  const { startupDeadlineMs } = rollout.rules
  if (nowMs - Math.max(known.sinceMs, sinceMs) <= startupDeadlineMs) return []
  const trouble = troubles.get(known.id)
  return [
    failure(
      known.id,
      `"${known.id}" could not be started within ${secondsOf(startupDeadlineMs)}${trouble === undefined ? '' : `: ${trouble}`}`,
    ),
  ]
}

/**
 * Why it counts as failed although it lives. While it comes up it may fail its checks, but not for ever. That whoever deploys has
 * started it again makes an end of its process no better, but for the earlier version: nothing is better than that.
 */
function problemOf({ rollout }: View, known: Known, one: FleetInstance): string | undefined {
  const { health, startupDeadlineMs } = rollout.rules
  if (rollout.direction === 'forward' && (one.restarts ?? 0) > 0)
    return `${endingOf(one.id, one)}, and was started again`
  if (known.state !== 'serving' || one.state === 'starting') {
    const isSlow = one.inStateMs > startupDeadlineMs && one.health.passes < health.success
    if (!isSlow) return undefined
    return `"${one.id}" was not healthy within ${secondsOf(startupDeadlineMs)}${errorOf(one)}`
  }
  if (one.state !== 'serving' || one.health.failures < health.failure) return undefined
  return `"${one.id}" served and failed ${health.failure} health checks in a row${errorOf(one)}`
}

function failure(id: string, because: string): RolloutEvent {
  return { kind: 'failed', id, because, log: [] }
}
