import type { Settings } from './engine/settings.ts'

/** Every default of Bellows lives here, with the reason for the figure. */
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
    rows: 1_000,
    verifyRows: 20_000,
    lockTimeoutMs: 500,
    statementTimeoutMs: 30_000,
    attemptsMax: 20,
    passesMax: 10,
  },
  driver: {
    heartbeatMs: 5_000,
    staleMs: 20_000,
    waitMs: 60_000,
    pollMs: 100,
    reconnectsMax: 5,
  },
  gate: {
    silentGraceMs: 600_000,
    doorMs: 30_000,
    whenNoneRegistered: 'refuse',
  },
  graceMs: 0,
} satisfies Settings)

export const LEASE_MS = 30_000
export const RENEW_EVERY_MS = 10_000

/** Settings with some of them replaced, group by group. */
export type SettingsChange = {
  readonly [K in keyof Settings]?: Settings[K] extends object ? Partial<Settings[K]> : Settings[K]
}

export function settingsWith(change: SettingsChange): Settings {
  const base = DEFAULT_SETTINGS
  return Object.freeze({
    ...base,
    ...change,
    lock: { ...base.lock, ...change.lock },
    batch: { ...base.batch, ...change.batch },
    driver: { ...base.driver, ...change.driver },
    gate: { ...base.gate, ...change.gate },
  })
}
