import { describe, test } from 'vitest'
import { allMustGoWell } from './fleet/must-go-well.ts'
import { largeScenario } from './fleet/scenario.ts'
import { LONG, seedsOf } from './seeds.ts'

/** Small ones: beside much else each takes many times as long as alone. */
const SHARES = Array.from({ length: 16 }, (_, share) => share)

describe('a simulated fleet of a thousand loses its old column only when nobody needs it, and always does', () => {
  test.for(SHARES)('when somebody else deploys: share %i of the seeds', LONG, (share) =>
    allMustGoWell(seedsOf(share, SHARES.length, 160), (luck) => largeScenario(luck, 'free')),
  )

  test.for(SHARES)('when Bellows deploys: share %i of the seeds', LONG, (share) =>
    allMustGoWell(seedsOf(share, SHARES.length, 16), (luck) => largeScenario(luck, 'driven')),
  )
})
