import { BellowsError, previewOf, type RolloutWish, type Run } from '../../../index.ts'
import { type Deployment, deploymentNeeded } from '../../deployment.ts'
import { workloadPreview } from '../../render/workloads.ts'
import type { Session } from '../../session.ts'

export interface RolloutFlags {
  readonly to: string
  readonly rolloutTimeout?: number
}

const ROLLOUT_TIMEOUT_MS = 3_600_000

/** What is going to happen to what runs, before anything does. */
export async function announced(session: Session, { to }: RolloutFlags): Promise<void> {
  session.terminal.err(`${(await rolloutPreview(session, to)).join('\n')}\n`)
}

export async function rolloutPreview(
  { bellows, deployment }: Session,
  version: string,
): Promise<readonly string[]> {
  const chosen = deploymentNeeded(deployment)
  if (chosen.by === 'workloads') return workloadPreview(chosen.kubernetes, version, await bellows.workloads())
  const { deployer, roles, rules } = chosen
  return previewOf({ version, roles, rules }, await deployer.fleet()).lines
}

type Rolling = RolloutFlags & Pick<RolloutWish, 'behind'>

/** @returns the run as it stands behind the rollout */
export async function rolledOut(session: Session, begun: Run, flags: Rolling): Promise<Run> {
  const { bellows, terminal } = session
  const { to: version, rolloutTimeout: waitMs = ROLLOUT_TIMEOUT_MS } = flags
  const behind = flags.behind === undefined ? {} : { behind: flags.behind }
  const chosen = deploymentNeeded(session.deployment)
  if (chosen.by === 'workloads') {
    await bellows.change((driver) => driver.rollOutWorkloads(begun.id, { version, waitMs, ...behind }))
    terminal.err(`rollout: "${version}" is in every workload, and no old pod is left in them\n`)
  } else {
    const { deployer, roles, rules } = chosen
    await bellows.change((driver) => driver.rollOut(begun.id, { version, roles, rules, ...behind }, deployer))
    terminal.err(`rollout: every instance serves "${version}"\n`)
  }
  const [now = begun] = await bellows.runs({ id: begun.id })
  return now
}

/** Goes on with a rollout that was begun, as the config file says today. */
export async function resumed({ bellows, deployment }: Session, run: Run): Promise<void> {
  const chosen = deploymentNeeded(deployment)
  const rollout = await bellows.rollout(run.id)
  if (rollout !== undefined && isOfWorkloads(rollout) !== (chosen.by === 'workloads'))
    throw begunElsewise(chosen)
  if (chosen.by === 'workloads')
    await bellows.change((driver) => driver.resumeWorkloads(run.id, ROLLOUT_TIMEOUT_MS))
  else await bellows.change((driver) => driver.resumeRollout(run.id, chosen.deployer))
}

function isOfWorkloads(rollout: object): boolean {
  return 'workloads' in rollout
}

function begunElsewise({ by }: Deployment): BellowsError {
  const other = by === 'workloads' ? 'instances, one by one' : 'workloads of a cluster'
  return new BellowsError('config_invalid', `The rollout that is under way is one of ${other}.`, {
    hint: 'Name the deployer that it was begun with in the section "deploy" of the config file.',
  })
}
