import type { FleetInstance } from './fleet.ts'
import { counts, isAvailable, type SlotView, type View, works } from './view.ts'

/** A slot that is being replaced, among the others of its role. */
export interface Place {
  readonly view: View
  readonly slot: SlotView
  /** How many more slots of each role may become empty; whoever takes one leaves less. */
  readonly spare: Map<string, number>
  /** How many of each role serve, well or ill; whoever leaves is not counted any more. */
  readonly serving: Map<string, number>
  /** Who of the slot was decided to leave just now, so that two do not leave for each other's sake. */
  readonly leaving: Set<string>
}

/** Nothing to tell of: what it waits for is told of already. */
export const REPLACED_FIRST = 'its replacement must serve first'

/** Why an instance may not be taken out now; absent when it may. */
export function whyItStays(place: Place, one: FleetInstance): string | undefined {
  const { view, slot, spare } = place
  const { rollout } = view
  if (hasFailed(view, one.id)) return whyLastStays(place, one)
  const others = othersOf(place, one)
  if (others.some((other) => isAvailable(rollout, other))) return undefined
  if (slot.wants !== undefined && rollout.rules.order === 'start-first' && !counts(rollout, slot.keep)) {
    // Of several of which none is healthy all but one go, or there would never be room for the new one.
    const isOneTooMany =
      slot.keep === undefined && others.some(remains(rollout)) && !isAvailable(rollout, one)
    return isOneTooMany ? undefined : REPLACED_FIRST
  }
  if (!isAvailable(rollout, one)) return whyLastStays(place, one)
  const left = spare.get(slot.role) ?? 0
  if (left <= 0) return mustStay(one)
  const because = whyLastWellStays(place, one)
  if (because === undefined) spare.set(slot.role, left - 1)
  return because
}

/** That it goes was decided while more served. Where nothing came of that so far, it must still be true. */
export function whyItStaysYet(place: Place, one: FleetInstance): string | undefined {
  const { view, slot, spare } = place
  if (hasFailed(view, one.id) || !works(view.rollout, one)) return whyLastStays(place, one)
  if (othersOf(place, one).some((other) => isAvailable(view.rollout, other))) return undefined
  return (spare.get(slot.role) ?? 0) < 0 ? mustStay(one) : whyLastWellStays(place, one)
}

/**
 * Of one that served, ended by itself and is being started again: it may serve before what comes in its place does, so it goes
 * only when that serves. Where only one may be in a slot it is in the way, and so is the second one of a slot that needs room.
 */
export function mayReturn(place: Place, one: FleetInstance): boolean {
  const { view, slot, serving } = place
  const { rollout } = view
  const hasServed = one.returning === true || rollout.instances.get(one.id)?.state === 'serving'
  if (!hasServed || rollout.rules.order !== 'start-first' || rollout.drained.has(one.id)) return false
  if (slot.wants === undefined || counts(rollout, slot.keep)) return false
  if (hasFailed(view, one.id) && (serving.get(slot.role) ?? 0) > 0) return false
  return slot.keep !== undefined || slot.living.every((other) => other === one || makesRoom(place, other))
}

function makesRoom({ leaving }: Place, { id, state }: FleetInstance): boolean {
  return leaving.has(id) || state === 'draining' || state === 'stopping'
}

export function hasFailed({ rollout }: View, id: string): boolean {
  return rollout.instances.get(id)?.failed !== undefined
}

/** Whether it serves, and was not told to go: whoever is on its way out makes room by itself. */
const remains =
  ({ drained }: View['rollout']) =>
  ({ id, state }: FleetInstance): boolean =>
    state === 'serving' && !drained.has(id)

/** An ill one may still answer, and nobody surely does not: the last of a role stays until somebody else of it serves. */
function whyLastStays(place: Place, one: FleetInstance): string | undefined {
  const { view, slot, serving } = place
  const { begun, drained, setAside } = view.rollout
  const others = (serving.get(slot.role) ?? 0) - (drained.has(one.id) ? 0 : 1)
  if (others > 0) return undefined
  const inTheWay = isInTheWay(place)
  const missing = view.slots.filter((other) => {
    if (other.role !== slot.role || other.wants === undefined || counts(view.rollout, other.keep))
      return false
    // Nobody comes into this one before it is empty, and where it failed for good nobody does at all.
    if (other.name === slot.name) return !inTheWay || setAside.has(slot.name)
    return !inTheWay || (begun.has(other.name) && !setAside.has(other.name))
  })
  if (missing.length === 0) return undefined
  return missing.every(({ name }) => setAside.has(name)) ? mustStay(one) : REPLACED_FIRST
}

/** However many may be missing: all at once need not be, but where one is in the way of the other. */
function whyLastWellStays(place: Place, one: FleetInstance): string | undefined {
  return isInTheWay(place) ? undefined : whyLastStays(place, one)
}

/** Must whoever is in the slot go before anybody comes? */
function isInTheWay({ view, slot }: Place): boolean {
  return view.rollout.rules.order === 'stop-first' && slot.wants !== undefined
}

function mustStay({ id, role }: FleetInstance): string {
  return `"${id}" must stay: otherwise fewer of "${role}" would serve than must`
}

/** Who else is in the slot, and stays there. */
function othersOf({ view, slot, leaving }: Place, one: FleetInstance): readonly FleetInstance[] {
  return slot.living.filter((other) => other !== one && !leaving.has(other.id) && !hasFailed(view, other.id))
}
