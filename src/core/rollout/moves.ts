import type { RolloutEvent } from './event.ts'
import type { FleetInstance, Placement } from './fleet.ts'
import type { Check } from './rules.ts'
import { counts, isAvailable, isReady, type SlotView, servingOf, spareOf, type View, works } from './view.ts'
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

interface Place {
  readonly view: View
  readonly slot: SlotView
  /** How many more slots of each role may become empty; whoever takes one leaves less. */
  readonly spare: Map<string, number>
  /** How many of each role serve, well or ill; whoever leaves is not counted any more. */
  readonly serving: Map<string, number>
  /** Who of the slot was decided to leave just now, so that two do not leave for each other's sake. */
  readonly leaving: Set<string>
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
      // It never got any work.
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

/** Why an instance may not be taken out now; absent when it may. */
function whyItStays(place: Place, one: FleetInstance): string | undefined {
  const { view, slot, spare } = place
  const { rollout } = view
  if (hasFailed(view, one.id)) return whyIllStays(place, one)
  const others = othersOf(place, one)
  if (others.some((other) => isAvailable(rollout, other))) return undefined
  if (slot.wants !== undefined && rollout.rules.order === 'start-first' && !counts(rollout, slot.keep)) {
    // Of several of which none is healthy all but one go, or there would never be room for the new one.
    const isOneTooMany =
      slot.keep === undefined && others.some(remains(rollout)) && !isAvailable(rollout, one)
    return isOneTooMany ? undefined : REPLACED_FIRST
  }
  if (!isAvailable(rollout, one)) return whyIllStays(place, one)
  const left = spare.get(slot.role) ?? 0
  if (left <= 0) return mustStay(one)
  spare.set(slot.role, left - 1)
  return undefined
}

/** Whether it serves, and was not told to go: whoever is on its way out makes room by itself. */
const remains =
  ({ drained }: View['rollout']) =>
  ({ id, state }: FleetInstance): boolean =>
    state === 'serving' && !drained.has(id)

function whyIllStays(place: Place, one: FleetInstance): string | undefined {
  return isLastResort(place, one) ? REPLACED_FIRST : undefined
}

/** An ill one may still answer, and nobody surely does not: the last of a role stays until somebody who comes serves. */
function isLastResort({ view, slot, serving }: Place, { id }: FleetInstance): boolean {
  const { begun, drained, setAside, rules } = view.rollout
  const others = (serving.get(slot.role) ?? 0) - (drained.has(id) ? 0 : 1)
  if (others > 0) return false
  return view.slots.some(
    (other) =>
      other.role === slot.role &&
      begun.has(other.name) &&
      !setAside.has(other.name) &&
      other.wants !== undefined &&
      !counts(view.rollout, other.keep) &&
      // Where only one may be in a slot nobody comes into this one before it is empty.
      (other.name !== slot.name || rules.order === 'start-first'),
  )
}

/** That it goes was decided while more served. Where nothing came of that so far, it must still be true. */
function whyItStaysYet(place: Place, one: FleetInstance): string | undefined {
  const { view, slot, spare } = place
  if (hasFailed(view, one.id) || !works(view.rollout, one)) return whyIllStays(place, one)
  const isMissed = (spare.get(slot.role) ?? 0) < 0
  if (!isMissed || othersOf(place, one).some((other) => isAvailable(view.rollout, other))) return undefined
  return mustStay(one)
}

function mustStay({ id, role }: FleetInstance): string {
  return `"${id}" must stay: otherwise fewer of "${role}" would serve than must`
}

/** Who else is in the slot, and stays there. */
function othersOf({ view, slot, leaving }: Place, one: FleetInstance): readonly FleetInstance[] {
  return slot.living.filter((other) => other !== one && !leaving.has(other.id) && !hasFailed(view, other.id))
}

/** Nothing to tell of: what it waits for is told of already. */
const REPLACED_FIRST = 'its replacement must serve first'

function hasFailed({ rollout }: View, id: string): boolean {
  return rollout.instances.get(id)?.failed !== undefined
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
