import { loadModule } from 'libpg-query'
import { systemChecks } from './adapters/checks/checks.ts'
import { systemClock } from './adapters/clock.ts'
import { runCommand } from './adapters/command/run-command.ts'
import { postgresDatabase } from './adapters/postgres/database.ts'
import { postgresInstances } from './adapters/postgres/instances.ts'
import { postgresJournal } from './adapters/postgres/journal.ts'
import { postgresRollouts } from './adapters/postgres/rollouts.ts'
import { openSessions } from './adapters/postgres/sessions.ts'
import { DEFAULT_SETTINGS, mergedSettings, type SettingsChange } from './config.ts'
import type { Notice } from './core/run/event.ts'
import { type Bellows, createBellows } from './engine/bellows.ts'

export interface OpenOptions {
  /** postgres:// URL of a direct connection, not of a transaction pooler. Absent: the PG* variables. */
  readonly database?: string
  /** What the command is, for `application_name`: people look there for who changes their database. */
  readonly application?: string
  readonly settings?: SettingsChange
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
    application: options.application ?? 'bellows',
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
    settings: mergedSettings(DEFAULT_SETTINGS, options.settings ?? {}),
    notify: options.onNotice ?? (() => undefined),
    isStopping: options.isStopping ?? (() => false),
  })
}

export { type DemoDatabase, type DemoOptions, startDemoDatabase } from './adapters/postgres/demo-database.ts'
