import { describe, expect, test } from 'vitest'
import { begun, type Life } from './fleet/life.ts'
import { contracted } from './fleet/operator.ts'
import { type FleetScenario, fleetScenario, largeScenario } from './fleet/scenario.ts'
import { chance, OLD } from './scenario.ts'
import { seedsOf } from './seeds.ts'

const SHARES = [0, 1, 2, 3]

describe('a simulated fleet loses its old column only when nobody needs it, and always does in the end', () => {
  test.for(SHARES)('of a few instances: share %i of the seeds', async (share) => {
    for (const seed of seedsOf(share, SHARES.length, 2_000)) await mustGoWell(seed, fleetScenario)
  })

  test.for(SHARES)(
    'of a thousand instances that somebody else deploys: share %i of the seeds',
    async (share) => {
      for (const seed of seedsOf(share, SHARES.length, 20))
        await mustGoWell(seed, (luck) => largeScenario(luck, 'free'))
    },
  )

  test('of a thousand instances that Bellows deploys', async () => {
    for (const seed of seedsOf(0, 1, 2)) await mustGoWell(seed, (luck) => largeScenario(luck, 'driven'))
  })
})

async function mustGoWell(seed: number, scenario: (luck: Life['luck']) => FleetScenario): Promise<void> {
  const luck = chance(seed + 1)
  const life = begun(luck, scenario(luck))
  const where = `seed ${seed}; again: SEED=${seed} npx vitest run test/simulation/fleet.test.ts`
  try {
    expect(await contracted(life), where).toBe('the column is hidden')
    expect(life.crowd.isHidden(), where).toBe(true)
  } catch (error) {
    throw new Error(where, { cause: error })
  }
  // Whoever was silent comes back, and whoever starts the old version is told that it is too late.
  life.crowd.start('late', OLD)
  life.time.pass(300_000)
  expect(life.crowd.harms, where).toEqual([])
  expect(life.crowd.find('late')?.life, where).toBe('ended')
}
