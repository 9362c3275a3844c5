import { DEFAULT_COMMAND, rolloutRules } from '../config.ts'
import {
  BellowsError,
  commandDeployer,
  type Deployer,
  type DeploymentWish,
  type KubernetesDeploy,
  processDeployer,
  type RoleWish,
  type RolloutRules,
} from '../index.ts'
import type { DeploySection } from './config-file.ts'
import type { ProcessesSection } from './processes-format.ts'
import type { CommandSection } from './rollout-format.ts'

/** How the application is deployed: instance by instance, or by the workloads of a cluster. */
export type Deployment = ByInstances | ByWorkloads

/** By whom, what of it, and by which rules. */
export interface ByInstances {
  readonly by: 'instances'
  readonly deployer: Deployer
  readonly roles: readonly RoleWish[]
  readonly rules: RolloutRules
}

export interface ByWorkloads {
  readonly by: 'workloads'
  readonly kubernetes: KubernetesDeploy
}

const DEPLOYERS = ['processes', 'command', 'kubernetes'] as const

/** As the section `deploy` of a config file says; undefined when it names nobody. */
export async function deploymentFrom(
  section: DeploySection = {},
  folder: string,
): Promise<Deployment | undefined> {
  const { processes, command, kubernetes, rollout } = section
  const named = DEPLOYERS.filter((name) => section[name] !== undefined)
  if (named.length > 1)
    throw new BellowsError(
      'config_invalid',
      `The config file names ${named.length} deployers: ${named.map((name) => `"${name}"`).join(' and ')}.`,
      { hint: 'Keep the one that runs the application: docs/deploy.md' },
    )
  if (kubernetes !== undefined) {
    if (rollout === undefined) return { by: 'workloads', kubernetes }
    throw new BellowsError('config_invalid', 'The rules "deploy.rollout" are of no use with Kubernetes.', {
      hint: 'Remove them: how its pods are replaced is said in each workload, and "deploy.kubernetes" has checks, onFailure, pauseBetweenMs and bakeMs. See docs/deploy-kubernetes.md',
    })
  }
  const rules = rolloutRules(rollout)
  if (processes !== undefined) return await byProcesses(processes, folder, rules)
  return command === undefined ? undefined : byCommands(command, rules)
}

async function byProcesses(
  section: ProcessesSection,
  folder: string,
  rules: RolloutRules,
): Promise<ByInstances> {
  const { processesConfig } = await import('./processes-format.ts')
  const { state, roles } = processesConfig(section, folder, rules)
  return {
    by: 'instances',
    deployer: processDeployer(state),
    roles: Object.entries(roles).map(([role, { instances, stopTimeoutMs }]) => ({
      role,
      instances,
      ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    })),
    rules,
  }
}

function byCommands({ roles, ...commands }: CommandSection, rules: RolloutRules): ByInstances {
  const given = Object.fromEntries(Object.entries(commands).filter(([, value]) => value !== undefined))
  return {
    by: 'instances',
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
    hint: 'Add "deploy: { processes: … }", "deploy: { command: … }" or "deploy: { kubernetes: … }": docs/deploy.md',
  })
}

/** What is asked for when a version is to be deployed. */
export function wishOf(deployment: Deployment, version: string): DeploymentWish {
  if (deployment.by === 'workloads') return { version }
  const { roles, rules } = deployment
  return { version, roles, rules }
}
