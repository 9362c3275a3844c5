import type { SettingsChange } from '../../src/config.ts'
import type { Migration } from '../../src/index.ts'
import type { TestDatabase } from '../support/database.ts'
import { rename } from '../support/rename.ts'

export const STEP = '0001_test/backfill/1'

/** Its values are numbers, and some are too large: also to ask whether such a row is filled fails. */
export const MIGRATION: Migration = {
  name: '0001_test',
  operations: [rename({ from: 'name', to: 'number', type: 'integer', overlap: 'forward_only' })],
}

/** Several in one block, one alone, and the last of all. */
export const badOf = (rows: number) => [7, 8, 9, 11, 13, Math.floor(rows / 2), rows]

const TOO_LARGE = 3_000_000_000

/** Wide rows, some thirty in a block. */
export const table = (rows: number, { columns = 'id int primary key', more = '' } = {}) => `
create table users (${columns}, pad text default repeat('x', 200), name bigint not null, seen int default 0)${more};
insert into users (id, name) select i, case when i in (${badOf(rows).join()}) then ${TOO_LARGE} else i end from generate_series(1, ${rows}) i; analyze users`

export const settings = (more: SettingsChange['batch'] = {}): SettingsChange => ({
  batch: { rows: 30, verifyRows: 60, onBadRow: 'quarantine', ...more },
  driver: { pollMs: 20 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
})

/** Nothing that could be filled is left, and nothing else. */
export const WRONG = `select id, name from users where number is distinct from case when name < ${TOO_LARGE} then name end`

export async function notes(database: TestDatabase) {
  return await database.query<{ name: string; table: string; sqlstate: string; at: Date }>(
    `select name, "table", sqlstate, at from bellows.quarantine order by substring(name from 'id=(\\d+)')::int, name`,
  )
}

export const mend = (database: TestDatabase, ids: readonly number[]) =>
  database.query(`update users set name = id where id in (${ids.join()})`)
