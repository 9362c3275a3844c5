import { loadModule } from 'libpg-query'
import { thisActor } from './adapters/actor.ts'
import { systemChecks } from './adapters/checks/checks.ts'
import { systemClock } from './adapters/clock.ts'
import { runCommand } from './adapters/command/run-command.ts'
import { applicationAt } from './adapters/postgres/application.ts'
import { postgresDatabase } from './adapters/postgres/database.ts'
import { postgresInstances } from './adapters/postgres/instances.ts'
import { postgresJournal } from './adapters/postgres/journal.ts'
import { postgresRollouts } from './adapters/postgres/rollouts.ts'
import { openSessions } from './adapters/postgres/sessions.ts'
import { openStandby } from './adapters/postgres/standby.ts'
import { DEFAULT_ROLL_RULES, DEFAULT_SETTINGS, mergedSettings, type SettingsChange } from './config.ts'
import { BellowsError } from './core/errors.ts'
import type { Release } from './core/rollout/release.ts'
import { isRolled, type KubernetesDeploy } from './core/rollout/workload.ts'
import type { WorkloadEvent } from './core/rollout/workload-event.ts'
import type { Actor, Notice } from './core/run/event.ts'
import { type Bellows, createBellows } from './engine/bellows.ts'
import type { Cluster, Deployer } from './engine/ports.ts'
import { type Rolled, type Roller, type RollRules, rollWorkloads } from './engine/roll-workloads.ts'

export interface OpenOptions {
  /** postgres:// URL of a direct connection, not of a transaction pooler. Absent: the PG* variables. */
  readonly database?: string
  /** What the command is, for `application_name` behind `bellows/`: people look there for who changes their database. */
  readonly application?: string
  readonly settings?: SettingsChange
  /** Told what happens while it happens: progress, and what is waited for. */
  /** Who runs it, where that is not the user of this process: kept with what somebody takes the responsibility for. */
  readonly actor?: Actor
  /** postgres:// URLs of the standbys that applications read from: what is used there counts, too. */
  readonly standbys?: readonly string[]
  /** postgres:// URL that the application connects with, for `examine`: what a pooler between does is seen there. */
  readonly applicationUrl?: string
  /** Whatever deploys the application: of what it has rolled out it is asked what is left. */
  readonly deployer?: Deployer
  readonly onNotice?: (notice: Notice) => void
  /** Looked at between batches: true stops the work where nothing is half done. */
  readonly isStopping?: () => boolean
}

/** Opens a database for Bellows. Nothing is connected before the first call needs it. */
export async function openBellows(options: OpenOptions = {}): Promise<Bellows> {
  await loadModule()
  const target = {
    ...(options.database === undefined ? {} : { url: options.database }),
    application: ownName(options.application),
  }
  const sessions = openSessions(target)
  const database = postgresDatabase(target, sessions)
  return createBellows({
    database,
    journal: postgresJournal(sessions),
    instances: postgresInstances(sessions),
    rollouts: postgresRollouts(sessions),
    checks: systemChecks({ database, runCommand }),
    clock: systemClock,
    standbys: (options.standbys ?? []).map((url) => openStandby({ ...target, url })),
    ...(options.applicationUrl === undefined
      ? {}
      : { application: applicationAt(options.applicationUrl, sessions) }),
    ...(options.deployer === undefined ? {} : { deployer: options.deployer }),
    actor: options.actor ?? thisActor(target.application),
    settings: mergedSettings(DEFAULT_SETTINGS, options.settings ?? {}),
    notify: options.onNotice ?? (() => undefined),
    isStopping: options.isStopping ?? (() => false),
  })
}

/** Whatever runs Bellows: its sessions are told from those of applications by their name. */
function ownName(application = 'bellows'): string {
  return /^bellows(\/|$)/.test(application) ? application : `bellows/${application}`
}

/**
 * Opens the cluster that the application is deployed to: by the kubeconfig, else as the service account of this pod.
 * @throws BellowsError `config_invalid` when there is neither, or the kubeconfig cannot be used
 */
export async function openCluster(deploy: KubernetesDeploy): Promise<Cluster> {
  // Only who needs a cluster pays for loading what speaks to it.
  const { openAccess } = await import('./adapters/kubernetes/open-access.ts')
  const { kubernetesCluster } = await import('./adapters/kubernetes/cluster.ts')
  return kubernetesCluster(await openAccess(deploy.context), deploy, systemClock)
}

export interface RollOptions extends Partial<Pick<Roller, 'asked' | 'notify'>> {
  /** What `remember` got of this release before, in the same order. */
  readonly past?: readonly WorkloadEvent[]
  readonly remember: Roller['remember']
  readonly rules?: Partial<RollRules>
}

/** Brings a release into all workloads of a cluster, or back; a Job only counts. What is not finished goes on from its events. */
export async function rollCluster(
  cluster: Cluster,
  { mode, workloads }: Pick<KubernetesDeploy, 'mode' | 'workloads'>,
  release: Release,
  options: RollOptions,
): Promise<Rolled> {
  if (mode === 'observe')
    throw new BellowsError('config_invalid', 'The mode "observe" changes no workload.', {
      hint: 'Let whoever deploys bring the version in, and wait with "bellows gate wait"; or set "mode: drive".',
    })
  const roller: Roller = {
    cluster,
    clock: systemClock,
    rules: { ...DEFAULT_ROLL_RULES, ...options.rules },
    remember: options.remember,
    asked: options.asked ?? (() => 'go'),
    notify: options.notify ?? (() => undefined),
  }
  return await rollWorkloads(roller, release, workloads.filter(isRolled), options.past ?? [])
}

export { type DemoDatabase, type DemoOptions, startDemoDatabase } from './adapters/postgres/demo-database.ts'
export { processDeployer } from './adapters/process/control-client.ts'
export { type SuperviseOptions, type Supervisor, superviseProcesses } from './adapters/process/supervise.ts'
