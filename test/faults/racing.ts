import type { SettingsChange } from '../../src/config.ts'
import { rename } from '../support/rename.ts'

export const ROWS = 400

export const GIVEN = `create table users (id int primary key, pad text default repeat('x', 200), name text not null unique);
  create index on users (lower(name));
  insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; analyze users`

export const MIGRATION = {
  name: '0001_test',
  operations: [rename()],
} as const

export const STALE_MS = 1_000

export const SETTINGS: SettingsChange = {
  batch: { rows: 50, verifyRows: 100 },
  driver: { pollMs: 20, waitMs: 30_000, heartbeatMs: 200, staleMs: STALE_MS },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
}
