import { DEFAULT_COMMAND, rolloutRules } from '../config.ts'
import {
  BellowsError,
  commandDeployer,
  type Deployer,
  processDeployer,
  type RoleWish,
  type RolloutRules,
} from '../index.ts'
import type { DeploySection } from './config-file.ts'
import type { CommandSection } from './rollout-format.ts'

/** How the application is deployed: by whom, what of it, and by which rules. */
export interface Deployment {
  readonly deployer: Deployer
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
}

/** As the section `deploy` of a config file says; undefined when it names nobody who deploys instances one by one. */
export async function deploymentFrom(
  section: DeploySection | undefined,
  folder: string,
): Promise<Deployment | undefined> {
  const rules = rolloutRules(section?.rollout)
  if (section?.processes !== undefined && section.command !== undefined)
    throw new BellowsError(
      'config_invalid',
      'The config file names two deployers: "processes" and "command".',
      {
        hint: 'Keep the one that runs the application: docs/deploy.md',
      },
    )
  if (section?.processes !== undefined) {
    const { processesConfig } = await import('./processes-format.ts')
    const { state, roles } = processesConfig(section.processes, folder)
    return {
      deployer: processDeployer(state),
      roles: Object.entries(roles).map(([role, { instances }]) => ({ role, instances })),
      rules,
    }
  }
  return section?.command === undefined ? undefined : byCommands(section.command, rules)
}

function byCommands({ roles, ...commands }: CommandSection, rules: RolloutRules): Deployment {
  const given = Object.fromEntries(Object.entries(commands).filter(([, value]) => value !== undefined))
  return {
    deployer: commandDeployer({
      ...DEFAULT_COMMAND,
      ...(given as Pick<CommandSection, 'start' | 'stop' | 'fleet'>),
      stopTimeoutMs: rules.stopTimeoutMs,
    }),
    roles: Object.entries(roles).map(([role, instances]) => ({ role, instances })),
    rules,
  }
}

export function deploymentNeeded(deployment: Deployment | undefined): Deployment {
  if (deployment !== undefined) return deployment
  throw new BellowsError('config_invalid', 'The config file does not say how the application is deployed.', {
    hint: 'Add "deploy: { processes: … }" or "deploy: { command: … }": docs/deploy.md',
  })
}
