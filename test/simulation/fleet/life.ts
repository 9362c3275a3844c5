import type { Driving } from '../../../src/engine/context.ts'
import { type Call, type FakeFleet, type Fault, fakeFleet } from '../../support/fake-deployer.ts'
import type { Kills } from '../mortal.ts'
import { behaviourOf, type Chance, NEW, OLD, type Scenario } from '../scenario.ts'
import { type Crowd, crowd } from './crowd.ts'
import { type SafetyRule, type SimulatedDatabase, simulatedDatabase } from './database.ts'
import { type SimulatedJournal, simulatedJournal } from './journal.ts'
import { bring, endOutOfSight, type Mishaps } from './mishaps.ts'
import { simulatedPorts } from './ports.ts'
import { heal, kill, type Process, resume, terminate } from './process.ts'
import type { FleetScenario } from './scenario.ts'
import { type Timeline, timeline } from './timeline.ts'

const TICK_MS = 1_000
const SETTLES_WITHIN_MS = 60_000

/** One fleet in a world of its own, with everything that may go wrong there. */
export interface Life {
  readonly time: Timeline
  readonly luck: Chance
  readonly given: FleetScenario
  readonly database: SimulatedDatabase
  readonly journal: SimulatedJournal
  readonly crowd: Crowd
  isCalm(): boolean
  /** The ports of a new driver. */
  driver(): Driving
}

export function begun(luck: Chance, given: FleetScenario, without?: SafetyRule): Life {
  const time = timeline(1_000_000)
  const database = simulatedDatabase(time, without)
  const journal = simulatedJournal(time)
  const people = crowd(database, luck, given)
  let isCalm = false
  const trouble = () => (isCalm ? 0 : given.trouble)
  const around: Mishaps = { time, luck, crowd: people, given }
  const fleet = given.rollout === undefined ? undefined : deployed(around, given.rollout, trouble)
  if (fleet === undefined) replacedBySomebody(around)
  else ticking(time, fleet)
  bring(around, () => isCalm)
  time.after(given.calmAfterMs, () => {
    isCalm = true
    // If nobody had ever lived for long enough to register, nobody would know what is used.
    people.start('last', NEW)
    for (const one of people.processes) time.after(luck.below(SETTLES_WITHIN_MS), () => settle(one, fleet))
  })
  // Whatever is there has been there for long.
  time.pass(SETTLES_WITHIN_MS)

  return {
    time,
    luck,
    given,
    database,
    journal,
    crowd: people,
    isCalm: () => isCalm,
    driver: () =>
      simulatedPorts({
        time,
        database,
        journal,
        gate: given.gate,
        ...(fleet === undefined ? {} : { deployer: fleet.deployer }),
        kills: death(luck, () => isCalm),
        // Now and then the machine of the driver stands still.
        delayMs: () => luck.below(luck.happens(trouble() / 20) ? 30_000 : 15),
        check: () => ({
          outcome: luck.happens(trouble() / 5) ? luck.one('fail', 'unknown') : 'pass',
          because: 'so it was',
        }),
        onHide: people.hide,
      }),
  }
}

/** Every other driver is killed somewhere on its way: at its first effects, or after hundreds of them. */
function death(luck: Chance, isCalm: () => boolean): Kills {
  let left = luck.happens(0.5) ? luck.below(luck.one(10, 50, 200, 1_000)) : Number.POSITIVE_INFINITY
  return () => {
    left -= 1
    return left < 0 && !isCalm() ? luck.one('before', 'after') : 'no'
  }
}

/** A fleet whose deployer starts, drains and stops real processes of the crowd, and that may be wrong about their end. */
function deployed(around: Mishaps, given: Scenario, trouble: () => number): FakeFleet {
  const { luck, crowd: people } = around
  const start = (id: string, version: string): Process => people.start(id, version, () => fleet.kill(id))
  /** To the deployer they end as they should, and they have only gone out of sight. */
  const lost = new Set<string>()
  const onEffect = (call: Call, id: string): void => {
    const one = people.find(id)
    if (one === undefined || lost.has(id)) return
    if (call === 'drain' && luck.happens(trouble() / 4)) {
      lost.add(id)
      endOutOfSight(around, one)
    } else if (call === 'drain') one.takesWork = false
    else if (call === 'stop') terminate(one)
  }
  const fault = (): Fault => (luck.happens(trouble() / 20) ? luck.one('before', 'after', 'late') : 'none')
  const fleet: FakeFleet = fakeFleet({
    behaviour: ({ id, version }) => {
      start(id, version)
      return behaviourOf(luck, version === NEW && trouble() > 0 ? given.badShare : 0)
    },
    fault,
    onEffect,
    onEnd: (id) => {
      const one = people.find(id)
      if (one !== undefined && !lost.has(id)) kill(one)
    },
  })
  for (const [role, count] of given.before)
    for (let slot = 1; slot <= count; slot += 1) {
      const id = `${role}-${slot}-old`
      fleet.put(
        { id, role, slot, version: OLD },
        { behaviour: { healthyAfterMs: 0, drainLooks: luck.below(4) } },
      )
      start(id, OLD)
    }
  return fleet
}

function ticking(time: Timeline, fleet: FakeFleet): void {
  time.after(TICK_MS, () => {
    fleet.advance(TICK_MS)
    ticking(time, fleet)
  })
}

/** Instances are replaced by somebody of whom Bellows knows nothing. */
function replacedBySomebody(around: Mishaps): void {
  const { time, luck, crowd: people, given } = around
  for (let at = 1; at <= given.instances; at += 1) {
    const old = people.start(`web-${at}-old`, OLD)
    time.after(SETTLES_WITHIN_MS + luck.below(given.calmAfterMs / 2), () => {
      people.start(`web-${at}-new`, NEW)
      if (luck.happens(given.trouble / 2)) endOutOfSight(around, old)
      else terminate(old)
    })
  }
}

/** Whoever was silent is there again, and whoever is nobody's is ended. */
function settle(one: Process, fleet: FakeFleet | undefined): void {
  heal(one)
  resume(one)
  const state = fleet?.find(one.id)?.state ?? 'gone'
  if (state === 'gone' && one.needsOld) terminate(one)
}
