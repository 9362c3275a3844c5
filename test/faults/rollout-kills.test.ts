import { describe, expect, test } from 'vitest'
import type { Deployer } from '../../src/engine/ports.ts'
import type { TestDatabase } from '../support/database.ts'
import type { FakeFleet } from '../support/fake-deployer.ts'
import { type Faulty, faultyBellows } from '../support/faulty-ports.ts'
import { KILLED, type Moment, mortal, survived } from '../support/killed.ts'
import { livingIn, type Ready, readyDatabase, serving, servingFleet, wish } from '../support/rollouts.ts'

/** One slot has every kind of moment; how several go together is the simulation's. */
const FLEET = 1
const ROLES = [{ role: 'web', instances: FLEET }]
const QUICK = { minHealthyMs: 0 }

describe('a driver that is killed at any moment of a rollout', () => {
  test.for(['before', 'after'] as const)(
    'is followed by one that goes on: %s the effect',
    { timeout: 300_000 },
    async (when) => {
      const ready = await readyDatabase()
      const fleet = servingFleet({}, FLEET)
      let version = 1
      let moment = 1
      for (; ; moment += 1) {
        version += 1
        const isOver = await killedAt(ready, fleet, { moment, when, version: String(version) })
        await ready.bellows.change((driver) =>
          driver.rollOut(ready.run, wish(String(version), QUICK, ROLES), fleet.deployer),
        )
        expect(livingIn(fleet), `moment ${moment}`).toEqual(serving(String(version), FLEET))
        if (isOver) break
      }
      expect(moment, 'there were many moments').toBeGreaterThan(25)
      const twice = [...fleet.starts].filter(([, count]) => count > 1)
      expect(twice, 'no instance was started twice').toEqual([])
      // One a rollout: an instance whose start was lost is the one that is started, and no other.
      expect(fleet.starts.size).toBe((version - 1) * FLEET)
      await everyRecordIsThereOnce(ready.database)
    },
  )
})

/** Rolls out by a driver that is killed at its nth effect, of any kind. Was it through before that? */
async function killedAt(
  { database, run }: Ready,
  fleet: FakeFleet,
  { version, ...death }: Moment & { readonly version: string },
): Promise<boolean> {
  const { around, effect } = mortal(death, () => faulty.die())
  const faulty: Faulty = faultyBellows(database.url, around, { application: KILLED })
  return await survived(faulty, database, (bellows) =>
    bellows.change((driver) =>
      driver.rollOut(run, wish(version, QUICK, ROLES), watched(fleet.deployer, effect)),
    ),
  )
}

type Effect = ReturnType<typeof mortal>['effect']

/** A dead process calls no deployer either. */
function watched(deployer: Deployer, effect: Effect): Deployer {
  return {
    fleet: () => effect(() => deployer.fleet()),
    start: (placement) => effect(() => deployer.start(placement)),
    serve: (id) => effect(() => deployer.serve(id)),
    drain: (id) => effect(() => deployer.drain(id)),
    stop: (id) => effect(() => deployer.stop(id)),
    forget: (id) => effect(() => deployer.forget(id)),
    log: (id, lines) => effect(() => deployer.log(id, lines)),
  }
}

async function everyRecordIsThereOnce(database: TestDatabase): Promise<void> {
  const twice = await database.query(`
    select event -> 'event' as event from bellows.event
      where event #>> '{event,kind}' in ('rollout_started', 'placed', 'running', 'serving', 'draining', 'gone', 'failed')
      group by 1 having count(*) > 1`)
  expect(twice).toEqual([])
}
