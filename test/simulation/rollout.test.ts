import { describe, expect, test } from 'vitest'
import { foldRollout } from '../../src/core/rollout/fold.ts'
import { slotName } from '../../src/core/rollout/rollout.ts'
import type { Watched } from '../../src/engine/rollout/drive.ts'
import { begun, type Life, lived } from './life.ts'
import { chance, NEW, type Scenario, scenario } from './scenario.ts'
import { seedsOf } from './seeds.ts'

/** In these the last of a role that serve turn ill at once, while those before them are still on their way out. */
const LAST_ONES = [2_602, 2_763, 4_548, 19_765, 34_964]
/** In these whoever has no place any more must serve until others are back, or nobody may be missing of the few that there were. */
const WAITING_ONES = [4_436, 5_232]
/** In these little moved because the fleet could not be read for long. */
const BLIND_ONES = [4_387, 6_280]
const FIRST_ONES = Array.from({ length: 1_200 }, (_, seed) => seed)
const SEEDS = [...FIRST_ONES, ...LAST_ONES, ...WAITING_ONES, ...BLIND_ONES]
const HARD_SEEDS = [...FIRST_ONES, 5_125, ...BLIND_ONES]

describe('a simulated rollout', () => {
  test.for([0, 1, 2, 3, 4, 5])(
    'ends or stands still, and harms nobody on the way: share %i of the seeds',
    async (share) => {
      for (const seed of seedsOf(share, 6, SEEDS)) {
        const life = begun(chance(seed + 1))
        const watched = await lived(life, seed)
        expect(life.wrongs, `seed ${seed}`).toEqual([])
        mustBe(life, watched, seed)
      }
    },
  )

  test.for([0, 1, 2, 3, 4, 5])(
    'does so also where they come back by themselves, and many turn ill at once: share %i of the seeds',
    async (share) => {
      for (const seed of seedsOf(share, 6, HARD_SEEDS)) {
        const life = begun(chance(seed + 1), undefined, chance(seed + 1_000_003))
        const watched = await lived(life, seed)
        expect(life.wrongs, `seed ${seed}`).toEqual([])
        mustBe(life, watched, seed)
      }
    },
  )

  test.for([0, 1, 2])('of a thousand instances does, too: seed %i', async (seed) => {
    const luck = chance(seed + 77)
    const given = scenario(luck)
    const large: Scenario = {
      ...given,
      roles: [{ role: 'web', instances: 1_000 }],
      before: new Map([['web', 1_000]]),
      rules: { ...given.rules, batch: '20%', order: 'start-first', onFailure: 'rollback' },
      badShare: seed === 2 ? 0.002 : 0,
      trouble: 0.001,
    }
    const life = begun(luck, large)
    const watched = await lived(life, seed)
    expect(life.wrongs, `seed ${seed}`).toEqual([])
    mustBe(life, watched, seed)
  })
})

/** Everything that is begun ends at some time: so whoever waits on the way back while nothing moves waits for whom nobody brings. */
const NEVER = /^the rollback failed: nothing moved/

/** What must hold at the end. */
function mustBe({ given, fleet, world, stopped }: Life, { rollout, verdict }: Watched, seed: number): void {
  const where = `seed ${seed}, ${verdict.is}: ${verdict.because}`
  expect(verdict.because, where).not.toBe('')
  expect(foldRollout(undefined, world.entries), where).toEqual(rollout)
  const blamed = world.entries.filter(
    ({ seq, event }) => event.kind === 'failed' && seq > (stopped.get(event.id) ?? Number.POSITIVE_INFINITY),
  )
  expect(blamed, `${where}: nobody has failed who ends because it was told to`).toEqual([])
  // What was told too late to be known of acts now: whoever shows then was forgotten.
  fleet.settle()
  const living = fleet.now().filter(({ state }) => state !== 'gone')
  const there = living.map((one) => `${slotName(one)} ${one.version} ${one.state}`).toSorted()
  if (verdict.is === 'done') {
    const target = given.roles.flatMap(({ role, instances }) =>
      Array.from({ length: instances }, (_, at) => `${role}-${at + 1} ${NEW} serving`),
    )
    expect(there, where).toEqual(target.toSorted())
  }
  const pauses = world.entries.flatMap(({ event }) => (event.kind === 'paused' ? [event.because] : []))
  expect(
    pauses.filter((because) => NEVER.test(because)),
    where,
  ).toEqual([])
  if (verdict.is === 'rolled_back') {
    const before = rollout.before.map((one) => `${slotName(one)} ${one.version} serving`)
    expect(there, where).toEqual(before.toSorted())
  }
}
