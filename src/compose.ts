import { loadModule } from 'libpg-query'
import { thisActor } from './adapters/actor.ts'
import { systemChecks } from './adapters/checks/checks.ts'
import { systemClock } from './adapters/clock.ts'
import { commandPager } from './adapters/command/pager.ts'
import { runCommand } from './adapters/command/run-command.ts'
import { lazyCluster } from './adapters/kubernetes/lazy-cluster.ts'
import { applicationAt } from './adapters/postgres/application.ts'
import { ANSWER_MARGIN_MS, type Target } from './adapters/postgres/connection.ts'
import { postgresDatabase } from './adapters/postgres/database.ts'
import { postgresInstances } from './adapters/postgres/instances.ts'
import { postgresJournal } from './adapters/postgres/journal.ts'
import { postgresRollouts } from './adapters/postgres/rollouts.ts'
import { openSessions } from './adapters/postgres/sessions.ts'
import { postgresSignals } from './adapters/postgres/signals.ts'
import { openStandby } from './adapters/postgres/standby.ts'
import {
  DEFAULT_ROLL_RULES,
  DEFAULT_ROLLOUT,
  DEFAULT_SETTINGS,
  mergedSettings,
  NOTIFY_TIMEOUT_MS,
  type SettingsChange,
} from './config.ts'
import type { Command } from './core/rollout/rules.ts'
import type { KubernetesDeploy } from './core/rollout/workload.ts'
import type { Actor, Notice } from './core/run/event.ts'
import type { Bellows } from './engine/bellows.ts'
import type { Kubernetes } from './engine/context.ts'
import { createBellows } from './engine/create-bellows.ts'
import type { Deployer, Signals } from './engine/ports.ts'
import type { BrakeSettings } from './engine/settings.ts'

export interface OpenOptions {
  /** postgres:// URL of a direct connection, not of a transaction pooler. Absent: the PG* variables. */
  readonly database?: string
  /** What the command is, for `application_name` behind `bellows/`: people look there for who changes their database. */
  readonly application?: string
  readonly settings?: SettingsChange
  /** Who runs it, where that is not the user of this process: kept with what somebody takes the responsibility for. */
  readonly actor?: Actor
  /** postgres:// URLs of the standbys that applications read from: what is used there counts, too. */
  readonly standbys?: readonly string[]
  /** postgres:// URL that the application connects with, for `examine`: what a pooler between does is seen there. */
  readonly applicationUrl?: string
  /** Whatever deploys the application: of what it has rolled out it is asked what is left. */
  readonly deployer?: Deployer
  /** In which workloads of a cluster the application runs; nothing is connected before the first call needs it. */
  readonly kubernetes?: KubernetesDeploy
  /** Run when a rollout ends or stands still, with how in its environment: docs/deploy.md. What becomes of it changes nothing. */
  readonly notify?: Command
  /** Told what happens while it happens: progress, and what is waited for. */
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
  const settings = mergedSettings(DEFAULT_SETTINGS, options.settings ?? {})
  const sessions = openSessions(target)
  const database = postgresDatabase(target, sessions)
  return createBellows({
    database,
    journal: postgresJournal(sessions),
    instances: postgresInstances(sessions),
    rollouts: postgresRollouts(sessions),
    checks: systemChecks({ database, runCommand }),
    signals: openSignals(target, settings.brake),
    clock: systemClock,
    standbys: (options.standbys ?? []).map((url) => openStandby({ ...target, url })),
    ...(options.applicationUrl === undefined
      ? {}
      : { application: applicationAt(options.applicationUrl, sessions) }),
    ...(options.deployer === undefined ? {} : { deployer: options.deployer }),
    ...(options.kubernetes === undefined ? {} : { kubernetes: openKubernetes(options.kubernetes) }),
    ...(options.notify === undefined ? {} : { pager: commandPager(options.notify, NOTIFY_TIMEOUT_MS) }),
    actor: options.actor ?? thisActor(target.application),
    settings,
    notify: options.onNotice ?? (() => undefined),
    isStopping: options.isStopping ?? (() => false),
  })
}

/** What has not come by then is void soon, and the work stands still: it is not to be waited for until TCP gives up. So it is with a check. */
const LOOK_ANSWER_MS = 6_000
/** The server adds up the sizes of all files. */
const MEASURE_ANSWER_MS = 30_000

/** A look waits for no check of the user, and for no size of a disk, so each has its session. */
export function openSignals(
  target: Target,
  { checkTimeoutMs }: Pick<BrakeSettings, 'checkTimeoutMs'>,
): Signals {
  const looking = openSessions({ ...target, answerMs: LOOK_ANSWER_MS })
  const measuring = openSessions({ ...target, answerMs: MEASURE_ANSWER_MS })
  const checking = openSessions({ ...target, answerMs: checkTimeoutMs + ANSWER_MARGIN_MS })
  return {
    ...postgresSignals(looking, measuring),
    ...systemChecks({ database: postgresDatabase(target, checking), runCommand }),
    close: async () => {
      await Promise.all([looking.close(), measuring.close(), checking.close()])
    },
  }
}

/** Whatever runs Bellows: its sessions are told from those of applications by their name. */
function ownName(application = 'bellows'): string {
  return /^bellows(\/|$)/.test(application) ? application : `bellows/${application}`
}

/** Only who asks the cluster pays for loading what speaks to it: by the kubeconfig, else as the service account of this pod. */
function openKubernetes(deploy: KubernetesDeploy): Kubernetes {
  const { mode, workloads, context, checks = [] } = deploy
  const { onFailure, pauseBetweenMs, bakeMs } = { ...DEFAULT_ROLL_RULES, ...deploy }
  const cluster = lazyCluster(async () => {
    const { openAccess } = await import('./adapters/kubernetes/open-access.ts')
    const { kubernetesCluster } = await import('./adapters/kubernetes/cluster.ts')
    return kubernetesCluster(await openAccess(context), deploy, systemClock)
  })
  const rules = { ...DEFAULT_ROLL_RULES, onFailure, pauseBetweenMs, bakeMs }
  return { cluster, mode, workloads, rules, checkRules: { ...DEFAULT_ROLLOUT, checks } }
}

export { type DemoDatabase, type DemoOptions, startDemoDatabase } from './adapters/postgres/demo-database.ts'
export { processDeployer } from './adapters/process/control-client.ts'
export { type SuperviseOptions, type Supervisor, superviseProcesses } from './adapters/process/supervise.ts'
