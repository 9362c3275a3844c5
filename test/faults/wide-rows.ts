import type { SettingsChange } from '../../src/config.ts'
import type { RenameColumn } from '../../src/index.ts'
import type { Effect } from '../support/faulty-ports.ts'
import { rename } from '../support/rename.ts'

export const ROWS = 400

/** Wide rows, some thirty in a block, so that there are many blocks. */
export const table = (more = '', key = 'int primary key') => `
create table users (id ${key}, pad text default repeat('x', 200), name text not null);
insert into users (id, name) select i, 'user ' || i from generate_series(1, ${ROWS}) i; ${more}`

export const migration = (more: Partial<RenameColumn> = {}) => ({
  name: '0001_test',
  operations: [rename(more)],
})

export const MIGRATION = migration()

export const STEP = '0001_test/backfill/1'

export const SETTINGS = {
  batch: { rows: 30, verifyRows: 60, lockTimeoutMs: 300 },
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange

export const UNLIKE = 'select id, name, full_name from users where full_name is distinct from name'

export const isBatch = ({ kind, what }: Effect) =>
  kind === 'transact' && /^with (claimed|filled) as/.test(what)
