import { deployerContract } from './deployer-contract.ts'
import { fakeFleet } from './fake-deployer.ts'

for (const remembers of [true, false])
  deployerContract(`a fleet in memory that ${remembers ? 'remembers' : 'forgets'} who is gone`, () => {
    let isBlind = false
    const fleet = fakeFleet({
      lookMs: 1_000,
      remembers,
      fault: (call) => (call === 'fleet' && isBlind ? 'before' : 'none'),
    })
    return {
      open: () => fleet.deployer,
      kill: (id) => fleet.kill(id),
      blind: () => {
        isBlind = true
      },
    }
  })
