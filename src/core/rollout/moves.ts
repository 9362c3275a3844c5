import type { RolloutEvent } from './event.ts'
import type { FleetInstance, Placement } from './fleet.ts'
import type { Check } from './rules.ts'
import { hasFailed, mayReturn, type Place, REPLACED_FIRST, whyItStays, whyItStaysYet } from './stays.ts'
import { counts, isReady, type SlotView, servingOf, spareOf, type View } from './view.ts'
import { conditionOf, errorOf } from './words.ts'

/** What is asked of the deployer, or of whoever answers a check. Each may be repeated. */
export type Action =
  | { readonly kind: 'start'; readonly placement: Placement }
  | { readonly kind: 'serve' | 'drain' | 'stop'; readonly id: string }
  | { readonly kind: 'check'; readonly check: Check }

/** Events are written before anything is done, so that what was done is always known. */
export interface Moves {
  readonly events: readonly RolloutEvent[]
  readonly actions: readonly Action[]
  readonly waitsFor: readonly string[]
}

/** What can be done now in the slots that are being replaced. */
export function movesIn(view: View, slots: readonly SlotView[]): Moves {
  const roles = new Set(slots.map(({ role }) => role))
  const spare = new Map([...roles].map((role) => [role, spareOf(view, role)]))
  const serving = new Map([...roles].map((role) => [role, servingOf(view, role)]))
  return joined(slots.map((slot) => movesOf({ view, slot, spare, serving, leaving: new Set() })))
}

export function joined(all: readonly Moves[]): Moves {
  return {
    events: all.flatMap(({ events }) => events),
    actions: all.flatMap(({ actions }) => actions),
    waitsFor: all.flatMap(({ waitsFor }) => waitsFor),
  }
}

function movesOf(place: Place): Moves {
  const { view, slot } = place
  // Where it failed for good nobody comes any more.
  const isSetAside = view.rollout.setAside.has(slot.name)
  return joined([
    ...slot.extras.map((one) => takeOut(place, one)),
    ...(isSetAside ? [] : [bringIn(place)]),
    ...(slot.stray === undefined ? [] : [waiting(`"${slot.stray.id}" may still come up`)]),
  ])
}

function bringIn({ view, slot }: Place): Moves {
  const { keep, coming, wants } = slot
  const { rollout } = view
  if (wants === undefined || counts(rollout, keep)) return NOTHING
  if (keep !== undefined) {
    return keep.state === 'starting' && isReady(rollout, keep)
      ? acting({ kind: 'serve', id: keep.id }, view)
      : waiting(`"${keep.id}" is ${conditionOf(keep, rollout.rules)}${illness(keep)}`)
  }
  // Two are the most that ever live in one slot: whoever leaves, and whoever comes.
  const isFree = slot.living.length <= (rollout.rules.order === 'start-first' ? 1 : 0)
  if (!isFree) return NOTHING
  if (coming !== undefined) return acting({ kind: 'start', placement: placementOf(coming) }, view)
  return { ...NOTHING, events: [{ kind: 'placed', placement: nextPlacement(view, slot, wants) }] }
}

/** Why one that comes up is not healthy yet: what is only late says nothing. */
function illness(one: FleetInstance): string {
  return one.health.failures > 0 ? errorOf(one) : ''
}

function placementOf({ id, role, slot, version }: Placement): Placement {
  return { id, role, slot, version }
}

function nextPlacement({ rollout }: View, { role, slot, name }: SlotView, version: string): Placement {
  const attempt = (rollout.attempts.get(name) ?? 0) + 1
  return { id: `${name}-r${rollout.number}-${attempt}`, role, slot, version }
}

function takeOut(place: Place, one: FleetInstance): Moves {
  const { view } = place
  const { id } = one
  const { rules } = view.rollout
  switch (one.state) {
    case 'starting':
      // It has no work: either it never got any, or it has just lost it with its process.
      if (mayReturn(place, one)) return NOTHING
      place.leaving.add(id)
      return acting({ kind: 'stop', id }, view)
    case 'serving':
      return takeOutOfService(place, one)
    case 'draining':
      return hasDrained(view, one)
        ? acting({ kind: 'stop', id }, view)
        : waiting(`"${id}" is ${conditionOf(one, rules)}`)
    case 'stopping':
    case 'gone':
      return waiting(`"${id}" is ${conditionOf(one, rules)}`)
  }
}

function takeOutOfService(place: Place, one: FleetInstance): Moves {
  const { view, slot, serving, leaving } = place
  const { id } = one
  const drain = acting({ kind: 'drain', id }, view)
  const isTold = view.rollout.drained.has(id)
  const because = isTold ? whyItStaysYet(place, one) : whyItStays(place, one)
  if (isTold && because === undefined) return drain
  if (because !== undefined) return because === REPLACED_FIRST ? NOTHING : waiting(because)
  leaving.add(id)
  serving.set(slot.role, (serving.get(slot.role) ?? 0) - 1)
  return { ...drain, events: [{ kind: 'draining', id }] }
}

function hasDrained(view: View, one: FleetInstance): boolean {
  if (one.inStateMs >= view.rollout.rules.drainTimeoutMs) return true
  // Where requests cannot be counted a good instance has its time; one that failed is not waited for.
  return one.inFlight === undefined ? hasFailed(view, one.id) : one.inFlight === 0
}

const NOTHING: Moves = { events: [], actions: [], waitsFor: [] }

function waiting(what: string): Moves {
  return { ...NOTHING, waitsFor: [what] }
}

/** An action that failed the last time is tried again, and said to be waited for. */
function acting(action: Exclude<Action, { kind: 'check' }>, { troubles }: View): Moves {
  const id = action.kind === 'start' ? action.placement.id : action.id
  const trouble = troubles.get(id)
  return {
    ...NOTHING,
    actions: [action],
    waitsFor: trouble === undefined ? [] : [`"${id}": ${action.kind} failed: ${trouble}`],
  }
}
