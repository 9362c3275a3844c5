import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/index.ts'
import { rename } from '../support/rename.ts'

export const RENAME: Operation = rename()

export const DROP: Operation = { kind: 'drop_column', namespace: 'public', table: 'users', column: 'legacy' }

export const migration = (operation: Operation) => ({ name: '0001_test', operations: [operation] })

/** The doors that are closed open, as they do by themselves after their time. */
export const LAPSE = `update bellows.column_state set until = clock_timestamp() where state = 'retiring'`

export const SETTINGS = {
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test', doorMs: 30_000 },
} satisfies SettingsChange
