import { describe, test } from 'vitest'
import { allMustGoWell } from './fleet/must-go-well.ts'
import { fleetScenario } from './fleet/scenario.ts'
import { seedsOf } from './seeds.ts'

const SHARES = [0, 1, 2, 3, 4, 5, 6, 7]

describe('a simulated fleet loses its old column only when nobody needs it, and always does in the end', () => {
  test.for(SHARES)('share %i of the seeds', (share) =>
    allMustGoWell(seedsOf(share, SHARES.length, 2_000), fleetScenario),
  )
})
