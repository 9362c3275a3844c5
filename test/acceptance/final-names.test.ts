import { expect, test } from 'vitest'
import type { SettingsChange } from '../../src/config.ts'
import type { Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from '../support/database.ts'

const ALLOWED = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} satisfies SettingsChange

const renamed = (table: string, from: string, to: string): Operation => ({
  kind: 'rename_column',
  namespace: 'public',
  table,
  from,
  to,
})

/** PostgreSQL takes only the beginning of it for the name of an index. */
const LONG = 'x'.repeat(60)

test('an index keeps its name where another long table has the one that it would get', async () => {
  const of = (
    end: string,
    column: string,
  ) => `create table ${LONG}_${end} (id int primary key, ${column} int);
    create index on ${LONG}_${end} (${column});`
  const database = await testDatabase(of('a', 'before') + of('b', 'behind'))
  const bellows = await database.bellows({ settings: ALLOWED })
  const migration = { name: '0001_test', operations: [renamed(`${LONG}_a`, 'before', 'behind')] }
  const run = await bellows.change((driver) => driver.advance(migration, 'purge'))
  expect(run.state).toBe('completed')
  const stem = 'x'.repeat(52)
  expect(
    await database.query(
      `select relname as name from pg_class where relname like '${stem}%idx' order by relname`,
    ),
  ).toEqual([{ name: `${stem}_before_idx` }, { name: `${stem}_behind_idx` }])
})

test('a NOT NULL keeps the name that somebody chose, also where another constraint has the one that the server would give', async () => {
  const database =
    await testDatabase(`create table a_b (id int primary key, c text); alter table a_b alter c set not null;
    create table a (id int primary key, b_d text not null)`)
  const [server] = await database.query(`select current_setting('server_version_num')::int as version`)
  const isNamed = Number(server?.version) >= 180_000
  if (isNamed) await database.query('alter table a_b rename constraint a_b_c_not_null to filled')
  const bellows = await database.bellows({ settings: ALLOWED })
  const migration = { name: '0001_test', operations: [renamed('a_b', 'c', 'd')] }
  const run = await bellows.change((driver) => driver.advance(migration, 'purge'))
  expect(run.state).toBe('completed')
  const names = await database.query(
    `select conname as name from pg_constraint where conrelid = 'a_b'::regclass and contype = 'n' order by 1`,
  )
  expect(names).toEqual(isNamed ? [{ name: 'a_b_id_not_null' }, { name: 'filled' }] : [])
})
