import { describe, test } from 'vitest'
import { mustGoWell } from './fleet/must-go-well.ts'
import { largeScenario } from './fleet/scenario.ts'
import { seedsOf } from './seeds.ts'

const SHARES = [0, 1]

describe('a simulated fleet of a thousand loses its old column only when nobody needs it, and always does', () => {
  test.for(SHARES)('when somebody else deploys: share %i of the seeds', async (share) => {
    for (const seed of seedsOf(share, SHARES.length, 20))
      await mustGoWell(seed, (luck) => largeScenario(luck, 'free'))
  })

  test('when Bellows deploys', async () => {
    for (const seed of seedsOf(0, 1, 1)) await mustGoWell(seed, (luck) => largeScenario(luck, 'driven'))
  })
})
