import type { Settings } from './settings.ts'

export interface How {
  /** Asked for only because a later phase was; the versions that it makes are marked so. */
  readonly implied?: true
}

export interface ChangeOptions {
  /** Bounds for this one change, in place of those that the database was opened with. */
  readonly settings?: (standing: Settings) => Settings
}
