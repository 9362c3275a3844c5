import { commandDeployer } from '../../../src/adapters/command/deployer.ts'
import { deployerContract } from '../../support/deployer-contract.ts'
import { orchestrator } from '../../support/orchestrator.ts'

deployerContract('a command for each step', async () => {
  const world = await orchestrator()
  return {
    open: () => commandDeployer(world.options),
    kill: (id) => world.kill(id),
    blind: () => world.flag('blind'),
  }
})
