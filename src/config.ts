import { BellowsError } from './core/errors.ts'
import { USUAL } from './core/gate/loosened.ts'
import type { RolloutRules } from './core/rollout/rules.ts'
import { DEFAULT_BRAKE } from './default-brake.ts'
import type { RollRules } from './engine/roller.ts'
import type { Settings } from './engine/settings.ts'

/** Every default of Bellows lives here, with the reason for the figure, or is named here. */
export const DEFAULT_SETTINGS: Settings = Object.freeze({
  lock: {
    // Long enough for the statements of a web request to end, short enough that nobody notices a failed attempt.
    canaryTimeoutMs: 100,
    // Shorter than deadlock_timeout (1 s): the engine gives way before the server has to choose a victim.
    heldTimeoutMs: 500,
    pauseMaxMs: 5_000,
    deadlineMs: 60_000,
  },
  holdTimeoutMs: 2_000,
  scanTimeoutMs: 24 * 3_600_000,
  batch: {
    rows: 'by_time',
    targetMs: 25,
    workers: 1,
    verifyRows: 20_000,
    lockTimeoutMs: 300,
    // With the lock timeout less than deadlock_timeout (1 s): whoever waits for a row of a batch has it before the server looks
    // for a deadlock, so it is never the application that loses one. A batch that takes longer is halved.
    statementTimeoutMs: 600,
    // Longer than the statements of an application, about as long as the rungs of a range take. What is that old is likely to last.
    horizonMs: 5_000,
    attemptsMax: 20,
    passesMax: 10,
    // Whoever has not said otherwise wants to hear of it while little is done.
    onBadRow: 'stop',
    // As many as a person may still look through.
    quarantineMax: 1_000,
  },
  brake: DEFAULT_BRAKE,
  driver: {
    heartbeatMs: 5_000,
    staleMs: 20_000,
    waitMs: 60_000,
    pollMs: 100,
    reconnectsMax: 5,
  },
  gate: {
    ...USUAL,
    doorMs: 30_000,
    whenNoneRegistered: 'refuse',
    unregistered: 'refuse',
    // Half of the time that the door is closed, so that the lock can still be had within.
    transactionsMs: 15_000,
    overrides: [],
  },
  graceMs: 0,
} satisfies Settings)

/** How a roll of Kubernetes workloads is judged. */
export const DEFAULT_ROLL_RULES: RollRules = Object.freeze({
  // A registry or a crash that passes by itself does so within seconds; whoever waits for a typo waits no longer than this.
  troubleMaxMs: 30_000,
  // An autoscaler of nodes needs minutes.
  unschedulableMaxMs: 300_000,
  restartsMax: 3,
  // Kubernetes' own default for a Deployment.
  progressMaxMs: 600_000,
  drainMaxMs: 1_800_000,
  pollMaxMs: 5_000,
  pollMinMs: 300,
  // Beside the client's own attempts, the first of which it begins with.
  blindMaxMs: 120_000,
  onFailure: 'rollback',
  pauseBetweenMs: 0,
  bakeMs: 0,
} satisfies RollRules)
/** What a process of `deploy.processes` is when the config file says no more. */
export const DEFAULT_PROCESS = Object.freeze({
  state: '.bellows',
  instances: 1,
  // Often enough that a sick instance gets requests for a few seconds at most; as long as a slow one may take for a short answer.
  health: { path: '/healthz', intervalMs: 1_000, timeoutMs: 2_000 },
})
export const DEFAULT_ROLLOUT: RolloutRules = Object.freeze({
  // One by one: the least that can be wrong at a time.
  batch: 1,
  order: 'start-first',
  minAvailablePercent: 100,
  canary: { instances: 1, pauseMs: 0 },
  // A large application on a cold machine; one whose process ends is not waited for.
  startupDeadlineMs: 300_000,
  // Two in a row to come up, three to be down: one lost packet moves nobody.
  health: { success: 2, failure: 3 },
  // Longer than most crash loops take for one turn.
  minHealthyMs: 10_000,
  pauseBetweenMs: 0,
  // Longer than an instance may take to come up, and to go.
  progressDeadlineMs: 600_000,
  // A machine may have a bad moment; a release that fails twice in one place is bad.
  retries: 1,
  maxFailures: 0,
  onFailure: 'rollback',
  // Longer than a request that somebody still waits for.
  drainTimeoutMs: 30_000,
  stopTimeoutMs: 30_000,
  bakeMs: 0,
  checks: [],
  checkTimeoutMs: 10_000,
  checkRetryMs: 10_000,
  // With the pauses between them more than half a minute: longer than a restart of whatever is asked.
  checkUnknownsMax: 4,
  // Kubernetes' own figure for the revisions of a Deployment.
  history: 10,
  pollMs: 1_000,
  logLines: 20,
} satisfies RolloutRules)

/** Rules of which not all are given. */
export type RolloutChange = Partial<Omit<RolloutRules, 'canary' | 'health'>> & {
  readonly canary?: Partial<RolloutRules['canary']>
  readonly health?: Partial<RolloutRules['health']>
}

export function rolloutRules(change: RolloutChange = {}): RolloutRules {
  const { canary, health } = DEFAULT_ROLLOUT
  return Object.freeze({
    ...DEFAULT_ROLLOUT,
    ...change,
    canary: { ...canary, ...change.canary },
    health: { ...health, ...change.health },
  })
}

/** How long the command of `deploy.notify` may take: whoever waits for the deployment waits for it, too. */
export const NOTIFY_TIMEOUT_MS = 30_000

/** What `deploy.command` is when the config file says no more. */
export const DEFAULT_COMMAND = Object.freeze({
  // Longer than an orchestrator takes to answer; what takes longer is begun by the command and seen in the fleet.
  timeoutMs: 60_000,
  healthIntervalMs: 1_000,
})

/** Settings with some of them replaced, group by group. */
export type SettingsChange = {
  readonly [K in keyof Settings]?: Settings[K] extends object ? Partial<Settings[K]> : Settings[K]
}

export function mergedSettings(standing: Settings, change: SettingsChange): Settings {
  return Object.freeze({
    ...standing,
    ...change,
    lock: { ...standing.lock, ...change.lock },
    batch: { ...standing.batch, ...change.batch },
    brake: { ...standing.brake, ...change.brake },
    driver: { ...standing.driver, ...change.driver },
    gate: { ...standing.gate, ...change.gate },
  })
}

/** What a command works with, from its flags, the environment and the config file, in this order of precedence. */
export interface Config {
  /** Absent: libpq's PG* variables say where the database is. */
  readonly database?: string
  /** Folder of the migration files. */
  readonly migrations: string
  /** URLs of the standbys that applications read from. */
  readonly standbys: readonly string[]
  /** URL that the application connects with, for `doctor`. */
  readonly appUrl?: string
  readonly settings: SettingsChange
}

export interface ConfigSources {
  readonly flags: {
    readonly database?: string
    readonly migrations?: string
    readonly standbys?: readonly string[]
    readonly appUrl?: string
    readonly settings?: SettingsChange
  }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: {
    readonly database?: string
    readonly migrations?: string
    readonly standbys?: readonly string[]
    readonly appUrl?: string
    readonly settings?: SettingsChange
  }
}

const LIBPQ_VARIABLES = ['PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGSERVICE', 'PGPORT']

/** `DIRECT_URL` goes before `DATABASE_URL`: behind a transaction pooler the latter is not a connection to work on. */
export function configFrom({ flags, env, file }: ConfigSources): Config {
  // An empty variable is how many tools unset one.
  const named = flags.database ?? (env.DIRECT_URL || env.DATABASE_URL || undefined)
  const hasLibpq = LIBPQ_VARIABLES.some((name) => (env[name] ?? '') !== '')
  const database = named ?? (hasLibpq ? undefined : file.database)
  if (database === undefined && !hasLibpq) {
    throw new BellowsError('config_invalid', 'No database is named.', {
      hint: 'Say --database postgres://user@host/name, or set DATABASE_URL, the PG* variables, or "database" in bellows.config.yaml.',
    })
  }
  const settings = mergedChanges(file.settings ?? {}, flags.settings ?? {})
  const migrations = flags.migrations ?? file.migrations ?? 'migrations'
  const standbys = flags.standbys ?? file.standbys ?? []
  refuseNoUrl('database', database === undefined ? [] : [database])
  refuseNoUrl('standby', standbys)
  const appUrl = flags.appUrl ?? file.appUrl ?? (flags.database === undefined ? pooledUrl(env) : undefined)
  return Object.freeze({
    ...(database === undefined ? {} : { database }),
    migrations,
    standbys,
    ...(appUrl === undefined ? {} : { appUrl }),
    settings,
  })
}

/** Where both are set, the one is how Bellows connects and the other how the application does. */
function pooledUrl({ DIRECT_URL, DATABASE_URL }: ConfigSources['env']): string | undefined {
  return DIRECT_URL && DATABASE_URL && URL_BEGIN.test(DATABASE_URL) ? DATABASE_URL : undefined
}

const URL_BEGIN = /^postgres(ql)?:\/\//

/** What is none is not repeated: it may have a password in it. */
function refuseNoUrl(what: string, urls: readonly string[]): void {
  if (urls.every((url) => URL_BEGIN.test(url))) return
  throw new BellowsError('config_invalid', `What is given as the ${what} is no postgres:// URL.`, {
    hint: 'Say it as postgres://user:password@host:port/database.',
  })
}

function mergedChanges(base: SettingsChange, more: SettingsChange): SettingsChange {
  return {
    ...base,
    ...more,
    lock: { ...base.lock, ...more.lock },
    batch: { ...base.batch, ...more.batch },
    brake: { ...base.brake, ...more.brake },
    driver: { ...base.driver, ...more.driver },
    gate: { ...base.gate, ...more.gate },
  }
}
