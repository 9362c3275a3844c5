import { beginning } from '../../src/core/rollout/begin.ts'
import type { FleetInstance, Placement } from '../../src/core/rollout/fleet.ts'
import { type Rollout, slotName } from '../../src/core/rollout/rollout.ts'
import { neededOf } from '../../src/core/rollout/rules.ts'
import type { Watched } from '../../src/engine/rollout/drive.ts'
import { type Behaviour, type Call, type FakeFleet, type Fault, fakeFleet } from '../support/fake-deployer.ts'
import { Killed } from './mortal.ts'
import { behaviourOf, type Chance, NEW, OLD, type Scenario, scenario } from './scenario.ts'
import { simulatedWorld, type World } from './world.ts'

const LOOKS_MAX = 3_000
const LIVES_MAX = 60
const HUMANS_MAX = 6

/** One rollout in a world of its own, with everything that may go wrong there. */
export interface Life {
  readonly luck: Chance
  readonly given: Scenario
  readonly fleet: FakeFleet
  readonly world: World
  /** What broke a rule while it was broken. */
  readonly wrongs: string[]
  /** Who was told to end, and how many entries there were by then. */
  readonly stopped: ReadonlyMap<string, number>
  /** From now on everything works. */
  calm(): void
}

/** @param hardship of worlds that are harder: whoever ends may come back, and many turn ill at the same moment */
export function begun(luck: Chance, given = scenario(luck), hardship?: Chance): Life {
  const wrongs: string[] = []
  const stopped = new Map<string, number>()
  let trouble = given.trouble
  let plague = hardship?.one(0, 0.003, 0.02) ?? 0
  const returning = hardship?.happens(0.6) === true ? { returnsAfterMs: hardship.one(1_000, 4_000) } : {}
  let blindLooks = 0
  const fault = (call: Call): Fault => {
    if (call === 'fleet') {
      if (blindLooks === 0 && luck.happens(trouble / 4)) blindLooks = luck.below(80)
      blindLooks = Math.max(0, blindLooks - 1)
      return blindLooks > 0 && trouble > 0 ? 'before' : 'none'
    }
    return luck.happens(trouble) ? luck.one('before', 'after', 'late') : 'none'
  }
  const fleet: FakeFleet = fakeFleet({
    behaviour: ({ version }) => ({
      ...behaviourOf(luck, version === NEW ? given.badShare : trouble / 10),
      ...returning,
    }),
    fault,
    onEffect: (call, id) => {
      wrongs.push(...brokenBy({ given, fleet, world }, call, id))
      if (call === 'stop' && !stopped.has(id)) stopped.set(id, world.entries.length)
    },
    remembers: luck.happens(0.7),
  })
  const world: World = simulatedWorld({
    looksMax: LOOKS_MAX,
    kills: () => (luck.happens(trouble / 10) ? luck.one('before', 'after') : 'no'),
    check: () => ({
      outcome: luck.happens(trouble) ? luck.one('fail', 'unknown') : 'pass',
      because: 'so it was',
    }),
    onSleep: (ms) => {
      fleet.advance(ms)
      if (luck.happens(trouble / 20)) world.ask(luck.one('pause', 'resume', 'abort'))
      const old = fleet.now().filter(({ version, state }) => version === OLD && state === 'serving')
      if (luck.happens(trouble / 20) && old.length > 0) fleet.kill(luck.one(...old).id)
      if (hardship?.happens(plague) === true) befall(fleet, hardship)
    },
  })
  fill({ fleet, given, luck }, returning)
  if (hardship?.happens(0.3) === true) befall(fleet, hardship)
  world.write(beginning({ version: NEW, roles: given.roles, rules: given.rules }, fleet.now(), [], 0))
  return {
    luck,
    given,
    fleet,
    world,
    wrongs,
    stopped,
    calm: () => {
      trouble = 0
      plague = 0
    },
  }
}

/** What they have in common breaks, of one version or of all: they turn ill at the same moment, or end. */
function befall(fleet: FakeFleet, hardship: Chance): void {
  const version = hardship.one(OLD, NEW, undefined)
  const forMs = hardship.one(3_000, 10_000, 40_000)
  const isEnd = hardship.happens(0.5)
  for (const one of fleet.now()) {
    if (one.state !== 'serving' || (version !== undefined && one.version !== version)) continue
    if (isEnd) fleet.kill(one.id)
    else fleet.sicken(one.id, forMs)
  }
}

type Filled = Pick<Life, 'fleet' | 'given' | 'luck'>

/** What ran before: mostly one a slot, sometimes a sick one, none, or what something interrupted has left. */
function fill({ fleet, given: { before }, luck }: Filled, returning: Behaviour): void {
  const put = (placement: Placement, state: FleetInstance['state'] = 'serving') =>
    fleet.put(placement, {
      state,
      behaviour: luck.happens(0.05)
        ? returning
        : { healthyAfterMs: 0, drainLooks: luck.below(4), ...returning },
    })
  for (const [role, count] of before)
    for (let slot = 1; slot <= count; slot += 1) {
      if (luck.happens(0.03)) continue
      put({ id: `${role}-${slot}-old`, role, slot, version: luck.happens(0.05) ? NEW : OLD })
      if (luck.happens(0.03))
        put(
          { id: `${role}-${slot}-left`, role, slot, version: '0' },
          luck.one('serving', 'starting', 'draining'),
        )
    }
}

/** Drives to the end; whoever is asked for decides, and a driver that was killed is followed by another one. */
export async function lived(life: Life, seed: number): Promise<Watched> {
  const { luck, world, fleet, given } = life
  let humans = 0
  for (let lives = 1; ; lives += 1) {
    if (lives > LIVES_MAX) life.calm()
    try {
      const watched = await world.drive(fleet.deployer)
      if (watched.verdict.is !== 'paused') return watched
      humans += 1
      if (humans > HUMANS_MAX) return watched
      if (humans === HUMANS_MAX) life.calm()
      world.ask(luck.one('resume', 'resume', 'abort'))
    } catch (error) {
      if (!(error instanceof Killed))
        throw new Error(
          `seed ${seed}: ${String(error)} ${JSON.stringify(given.rules)} ${JSON.stringify(fleet.now())}`,
          { cause: error },
        )
    }
  }
}

/** The rules that no step may break, looked at in front of it. */
function brokenBy(
  { given, fleet, world }: Pick<Life, 'given' | 'fleet' | 'world'>,
  call: Call,
  id: string,
): readonly string[] {
  const rollout = world.rollout()
  if (rollout === undefined) return [`${call} ${id} before the rollout`]
  if (call === 'start') return brokenByStart(rollout, fleet.now(), id)
  const one = fleet.find(id)
  if (call === 'stop' && one?.state === 'serving') return [`stop ${id} while it serves`]
  if (call === 'stop' && one?.returning === true) return brokenByStop(rollout, fleet.now(), one)
  if (call !== 'drain' || one?.state !== 'serving') return []
  const all = fleet.now()
  const last = brokenByLast(rollout, all, one)
  if (rollout.instances.get(id)?.failed !== undefined || !serves(given, one)) return last
  const left = all.filter((other) => other.id !== id && other.role === one.role && serves(given, other))
  if (left.some(({ slot }) => slot === one.slot)) return last
  const needed = neededIn(given, rollout, one.role)
  const slots = new Set(left.map(({ slot }) => slot)).size
  // The rules may let nobody of a smaller size be missing: then the way back to it takes one, where no more are there.
  const isOnlyWay = rollout.direction === 'back' && given.rules.order === 'stop-first' && slots === needed - 1
  return slots >= needed || isOnlyWay ? last : [`drain ${id}: ${slots} of ${needed} are left`]
}

/**
 * Well or ill: where somebody of a role serves and somebody shall, nobody goes before another one serves. Where two may not be in one slot
 * it may be in the way of whom its own slot wants, and of nobody else.
 */
function brokenByLast(
  rollout: Rollout,
  all: readonly FleetInstance[],
  { id, role, slot }: FleetInstance,
): readonly string[] {
  const isServed = all.some((other) => other.id !== id && other.role === role && other.state === 'serving')
  const wished = wishedSlots(rollout, role)
  const isInTheWay = rollout.rules.order === 'stop-first' && wished.includes(slotName({ role, slot }))
  return !isInTheWay && !isServed && wished.length > 0 ? [`drain ${id}: nobody else of its role serves`] : []
}

/** One that comes back by itself may do so before anybody else comes. */
function brokenByStop(
  rollout: Rollout,
  all: readonly FleetInstance[],
  { id, role, slot }: FleetInstance,
): readonly string[] {
  const { rules, instances, drained } = rollout
  const isOver = instances.get(id)?.failed !== undefined || drained.has(id)
  const beside = all.filter((other) => other.id !== id && slotName(other) === slotName({ role, slot }))
  const isAlone = beside.every(({ state }) => state !== 'starting' && state !== 'serving')
  const isWanted = wishedSlots(rollout, role).includes(slotName({ role, slot }))
  return rules.order === 'start-first' && isWanted && isAlone && !isOver
    ? [`stop ${id}: it was coming back, and nobody is in its place`]
    : []
}

function wishedSlots({ direction, before, roles }: Rollout, role: string): readonly string[] {
  const wanted = roles.find((one) => one.role === role)?.instances ?? 0
  const wishes =
    direction === 'back'
      ? before.filter((one) => one.role === role)
      : Array.from({ length: wanted }, (_, at) => ({ role, slot: at + 1 }))
  return wishes.map(slotName)
}

function brokenByStart(rollout: Rollout, all: readonly FleetInstance[], id: string): readonly string[] {
  const known = rollout.instances.get(id)
  if (known === undefined) return [`start ${id} without a record`]
  if (all.some((one) => one.id === id)) return []
  const most = rollout.rules.order === 'start-first' ? 2 : 1
  const living = all.filter((one) => slotName(one) === slotName(known) && one.state !== 'gone').length + 1
  return [
    ...(known.state === 'placed' ? [] : [`start ${id} again`]),
    ...(living <= most ? [] : [`start ${id}: ${living} live in its slot`]),
  ]
}

function serves({ rules }: Scenario, { state, health }: FleetInstance): boolean {
  return state === 'serving' && health.failures < rules.health.failure
}

function neededIn({ roles, rules }: Scenario, { before }: Rollout, role: string): number {
  const there = before.filter((one) => one.role === role)
  const wanted = roles.find((one) => one.role === role)?.instances ?? 0
  const needed = neededOf(rules, Math.min(there.length, wanted))
  return Math.min(needed, there.filter(({ available }) => available).length)
}
