import type { Slot } from './event.ts'
import type { FleetInstance } from './fleet.ts'
import { type Known, type Rollout, slotName } from './rollout.ts'
import { neededOf } from './rules.ts'

/** What is seen of a fleet at one moment, beside what is wanted of it. */
export interface View {
  readonly rollout: Rollout
  /** By the clock of the database. */
  readonly nowMs: number
  /** Since when somebody watches without a break. Before that nobody could have done anything. */
  readonly sinceMs: number
  readonly fleet: ReadonlyMap<string, FleetInstance>
  /** In the order in which roles are replaced, and within a role by number. */
  readonly slots: readonly SlotView[]
  /** What the last call for an instance failed with, by its id. */
  readonly troubles: ReadonlyMap<string, string>
}

/** One place of a role: who is in it, and who shall be. */
export interface SlotView extends Slot {
  readonly name: string
  /** The version that shall be here; absent where nothing shall be. */
  readonly wants: string | undefined
  /** Not gone. */
  readonly living: readonly FleetInstance[]
  /** The one of them that stays. */
  readonly keep: FleetInstance | undefined
  /** The others. */
  readonly extras: readonly FleetInstance[]
  /** Decided upon, and not seen yet. */
  readonly coming: Known | undefined
  /** No longer wanted before it was seen: its start may have been under way. */
  readonly stray: Known | undefined
  /** Is it as it shall be? */
  readonly settled: boolean
}

export interface Seen {
  readonly fleet: readonly FleetInstance[]
  readonly nowMs: number
  readonly sinceMs: number
  readonly troubles: ReadonlyMap<string, string>
}

export function viewOf(rollout: Rollout, { fleet, ...seen }: Seen): View {
  return {
    ...seen,
    rollout,
    fleet: new Map(fleet.map((one) => [one.id, one])),
    slots: slotsOf(rollout, fleet),
  }
}

interface Wish extends Slot {
  readonly version: string | undefined
}

/** Slots that shall be filled, and such as are filled although they shall not be. */
function slotsOf(rollout: Rollout, fleet: readonly FleetInstance[]): readonly SlotView[] {
  const living = new Map<string, FleetInstance[]>()
  for (const one of fleet.filter(({ state }) => state !== 'gone'))
    living.set(slotName(one), [...(living.get(slotName(one)) ?? []), one])
  const unseen = new Map(
    [...rollout.instances.values()]
      .filter(({ state }) => state === 'placed')
      .map((one) => [slotName(one), one]),
  )
  const wishes = new Map(wishesOf(rollout).map((wish): [string, Wish] => [slotName(wish), wish]))
  for (const one of [...[...living.values()].flat(), ...unseen.values()])
    if (!wishes.has(slotName(one)))
      wishes.set(slotName(one), { role: one.role, slot: one.slot, version: undefined })
  return [...wishes.entries()]
    .map(([name, wish]) => slotView(rollout, wish, living.get(name) ?? [], unseen.get(name)))
    .sort(byRoleOf(rollout))
}

function slotView(
  rollout: Rollout,
  { role, slot, version: wants }: Wish,
  living: readonly FleetInstance[],
  unseen: Known | undefined,
): SlotView {
  const keep = wants === undefined ? undefined : keptOf(rollout, wants, living)
  const isFromBefore = ({ id }: FleetInstance) => rollout.instances.get(id)?.from === 'before'
  // What a way back would need goes last.
  const extras = living
    .filter((one) => one !== keep)
    .toSorted((a, b) => Number(isFromBefore(a)) - Number(isFromBefore(b)))
  const isLate = !isWanted(rollout, unseen) || (counts(rollout, keep) && keep?.id !== unseen.id)
  const stray = isLate ? unseen : undefined
  const isComing = stray === undefined && keep === undefined && living.every(({ id }) => id !== unseen?.id)
  return {
    role,
    slot,
    name: slotName({ role, slot }),
    wants,
    living,
    keep,
    extras,
    coming: isComing ? unseen : undefined,
    stray,
    settled: extras.length === 0 && stray === undefined && (wants === undefined || counts(rollout, keep)),
  }
}

/** Whoever serves the wanted version stays, whoever started it; of those that do not serve yet only one of our own. */
function keptOf(
  rollout: Rollout,
  wants: string,
  living: readonly FleetInstance[],
): FleetInstance | undefined {
  const fit = living.filter(
    ({ id, version }) =>
      version === wants && !rollout.drained.has(id) && rollout.instances.get(id)?.failed === undefined,
  )
  return (
    fit.find((one) => isAvailable(rollout, one)) ??
    fit.find(({ state }) => state === 'serving') ??
    fit.find(({ id, state }) => state === 'starting' && isWanted(rollout, rollout.instances.get(id)))
  )
}

/** Was it placed by the way that the rollout is on, and has not failed? */
export function isWanted(rollout: Rollout, known: Known | undefined): known is Known {
  return known !== undefined && known.from === rollout.direction && known.failed === undefined
}

function wishesOf({ direction, before, roles, version }: Rollout): readonly Wish[] {
  if (direction === 'back') return before
  return roles.flatMap(({ role, instances }) =>
    Array.from({ length: instances }, (_, at) => ({ role, slot: at + 1, version })),
  )
}

function byRoleOf({ roles }: Rollout): (a: Slot, b: Slot) => number {
  const places = new Map(roles.map(({ role }, at) => [role, at]))
  const placeOf = ({ role }: Slot) => places.get(role) ?? roles.length
  return (a, b) => placeOf(a) - placeOf(b) || (a.role === b.role ? a.slot - b.slot : a.role < b.role ? -1 : 1)
}

/** Has it been healthy for long enough to get work? What comes back on a way back was good before. */
export function isReady({ direction, rules }: Rollout, { health }: FleetInstance): boolean {
  const soakMs = direction === 'back' ? 0 : rules.minHealthyMs
  return health.passes >= rules.health.success && health.healthyForMs >= soakMs
}

/** Does it serve? Of a new one that began to by itself, before it was ready, nobody says so yet. */
export function counts(rollout: Rollout, one: FleetInstance | undefined): boolean {
  if (one?.state !== 'serving') return false
  const known = rollout.instances.get(one.id)
  return !isWanted(rollout, known) || known.state === 'serving'
}

/** Does it do work, as far as anybody knows? What could not be measured is not bad. */
export function works(rollout: Rollout, one: FleetInstance): boolean {
  return counts(rollout, one) && one.health.failures < rollout.rules.health.failure
}

/** Does it do work, and will it go on to? */
export function isAvailable(rollout: Rollout, one: FleetInstance): boolean {
  const hasFailed = rollout.instances.get(one.id)?.failed !== undefined
  return works(rollout, one) && !rollout.drained.has(one.id) && !hasFailed
}

/**
 * How many slots of a role may yet become empty. A pair in one slot counts once, so that it pays for nobody else. Of a fleet
 * that grows or shrinks the smaller size counts, and what was missing from the start is nobody's fault.
 */
export function spareOf({ rollout, slots }: View, role: string): number {
  const available = slots.filter(
    (slot) => slot.role === role && slot.living.some((one) => isAvailable(rollout, one)),
  ).length
  return available - neededIn(rollout, role, available)
}

/** How many of a role serve and were not told to go, well or ill. */
export function servingOf({ rollout, slots }: View, role: string): number {
  return slots
    .filter((slot) => slot.role === role)
    .flatMap(({ living }) => living)
    .filter(({ id, state }) => state === 'serving' && !rollout.drained.has(id)).length
}

function neededIn({ before, roles, rules, direction }: Rollout, role: string, available: number): number {
  const there = before.filter((one) => one.role === role)
  const wanted = roles.find((one) => one.role === role)?.instances ?? 0
  const size = Math.min(there.length, wanted)
  // The rules are asked about the size that is wanted. On the way back to a smaller one, in which one goes before another comes, one must
  // be allowed to be missing where nobody serves besides.
  const isInTheWay = direction === 'back' && rules.order === 'stop-first' && available <= size
  const most = isInTheWay ? Math.max(0, size - 1) : size
  return Math.min(neededOf(rules, size), most, there.filter(({ available }) => available).length)
}
