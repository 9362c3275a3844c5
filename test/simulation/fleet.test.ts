import { describe, test } from 'vitest'
import { mustGoWell } from './fleet/must-go-well.ts'
import { fleetScenario } from './fleet/scenario.ts'
import { seedsOf } from './seeds.ts'

const SHARES = [0, 1, 2, 3]

describe('a simulated fleet loses its old column only when nobody needs it, and always does in the end', () => {
  test.for(SHARES)('share %i of the seeds', async (share) => {
    for (const seed of seedsOf(share, SHARES.length, 2_000)) await mustGoWell(seed, fleetScenario)
  })
})
