import { describe, expect, test } from 'vitest'
import type { Migration, Operation } from '../../../src/core/operations/migration.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { SETTINGS } from '../wide-rows.ts'

const GIVEN = `create table events (id int generated always as identity primary key, seen int not null default 0,
    at timestamptz, took interval, amount numeric(12, 3), name text, size float8, sizes float8[], place point, file bytea, day date)`
const VALUES = `values ('2026-03-01 23:30:00+00', '1 day 02:03:04', 1234.500, ' Größe ', 0.1::float8 + 0.2::float8, '{0.1}', '(0.1,0.3)', decode('00ff', 'hex'), '2026-01-05')`
const WRITE = `insert into public.events (at, took, amount, name, size, sizes, place, file, day) ${VALUES}`

const HOSTILE = `create schema hostile;
  create function hostile.btrim(text) returns text language sql immutable as $$ select 'hostile' $$;
  create function hostile.timezone(text, timestamptz) returns timestamp language sql immutable as $$ select timestamp '1999-01-01' $$;
  create domain hostile.date as pg_catalog.date; create domain hostile.numeric as pg_catalog.numeric; grant usage on schema hostile to public`

/** What an application may have set for its sessions, and Bellows not. */
const SESSIONS = [
  `timezone = 'Asia/Tokyo'`,
  `datestyle = 'SQL, DMY'`,
  `intervalstyle = 'iso_8601'`,
  'extra_float_digits = 0',
  'extra_float_digits = -15',
  `bytea_output = 'escape'`,
  'search_path = hostile, pg_catalog',
  `search_path = ''`,
  'standard_conforming_strings = off',
  'quote_all_identifiers = on',
]

const retype = (column: string, type: string, up: string, down: string): Operation => ({
  kind: 'change_type',
  namespace: 'public',
  table: 'events',
  column,
  type,
  up,
  down,
})

const STEADY = {
  name: '0001_test',
  operations: [
    retype('at', 'date', `(at at time zone 'UTC')::date`, `at::timestamp at time zone 'UTC'`),
    retype('took', 'numeric', 'extract(epoch from took)::numeric', `took * interval '1 second'`),
    retype('amount', 'text', 'amount::text', 'amount::numeric'),
    retype('name', 'varchar(40)', 'btrim(name)', 'name::text'),
    retype('size', 'numeric', 'size::numeric', 'size::float8'),
    retype('day', 'integer', `day - '2000-01-01'`, `'2000-01-01'::date + day`),
    retype('file', 'text', `encode(file, 'hex')`, `decode(file, 'hex')`),
  ],
}

describe('what a value becomes', () => {
  test('is the same in every session, whatever that has set, and the same for Bellows', async () => {
    const database = await testDatabase(GIVEN, HOSTILE, WRITE)
    await database.query(
      `alter database ${database.name} set timezone = 'America/New_York'; alter database ${database.name} set datestyle = 'German'`,
    )
    const bellows = await database.bellows({ settings: SETTINGS })
    const advance = (until: 'expand' | 'verify') => bellows.change((driver) => driver.advance(STEADY, until))
    await advance('expand')
    const sessions = await Promise.all(SESSIONS.map((setting) => writer(database, setting)))
    for (const session of sessions) await session.query(WRITE)
    await advance('verify')
    for (const session of sessions) {
      await session.query(WRITE)
      await session.query('update public.events set seen = seen + 1')
    }
    const columns = await database.query<{ name: string }>(
      `select quote_ident(attname) as name from pg_attribute where attrelid = 'events'::regclass and attnum > 11 and not attisdropped`,
    )
    expect(columns).toHaveLength(STEADY.operations.length)
    const [found] = await database.query(
      `select count(distinct (${columns.map(({ name }) => name).join(', ')}))::int as values, count(*)::int as rows from events`,
    )
    expect(found).toEqual({ values: 1, rows: 1 + 2 * SESSIONS.length })
  })

  test.for([
    ['at', 'text', 'at::text', 'at::timestamptz'],
    ['at', 'date', 'at::date', 'at::timestamptz'],
    ['at', 'timestamp', 'at::timestamp', 'at::timestamptz'],
    ['at', 'text', `to_char(at, 'HH24:MI')`, `'2026-01-01 00:00:00+00'::timestamptz`],
    ['at', 'text', 'now()::text', `'2026-01-01 00:00:00+00'::timestamptz`],
    ['took', 'text', 'took::text', 'took::interval'],
    ['file', 'text', 'file::text', 'file::bytea'],
    ['name', 'date', 'name::date', `'x'`],
    ['name', 'text', 'current_user', 'name'],
    ['name', 'text', `current_setting('timezone')`, 'name'],
    ['name', 'text', '(select max(name) from events)', 'name'],
    ['name', 'text', 'random()::text', 'name'],
    ['size', 'text', 'size::text', 'size::float8'],
    ['size', 'text', 'size', 'size::float8'],
    ['size', 'numeric', 'size::text::numeric', 'size::float8'],
    ['size', 'varchar(30)', 'round(size)::varchar(30)', 'size::float8'],
    ['place', 'text', 'place::text', 'place::point'],
    ['sizes', 'text[]', 'sizes::text[]', 'sizes::float8[]'],
    ['at', 'boolean', `at > '2026-01-01'`, 'null::timestamptz'],
    ['at', 'boolean', `at > '2026-01-01 12:00:00'::timestamptz`, 'null::timestamptz'],
    ['day', 'boolean', `day > '01/02/2026'`, 'null::date'],
    ['day', 'boolean', `day > 'today'`, 'null::date'],
    ['took', 'boolean', `took > '-1 2:03:04'`, 'null::interval'],
  ] as const)('must not hang on one: %s to %s by %s', async ([column, type, up, down]) => {
    const database = await testDatabase(GIVEN)
    const migration = { name: '0001_test', operations: [retype(column, type, up, down)] }
    expect(await planned(database, migration)).toMatch(/cannot be used|cannot be changed/)
  })

  test.for([
    ['at', 'text'],
    ['at', 'timestamp'],
    ['took', 'text'],
    ['size', 'text'],
    ['place', 'text'],
    ['file', 'text'],
  ] as const)('must not hang on one: %s as %s', async ([column, type]) => {
    const database = await testDatabase(GIVEN)
    const operation = { kind: 'rename_column', namespace: 'public', table: 'events', from: column } as const
    const migration = {
      name: '0001_test',
      operations: [{ ...operation, to: 'other', type, overlap: 'forward_only' as const }],
    }
    expect(await planned(database, migration)).toMatch(/depends on settings of the session/)
  })
})

async function planned(database: TestDatabase, migration: Migration): Promise<string> {
  const bellows = await database.bellows()
  return await bellows.plan(migration).then(
    () => 'planned',
    (error: Error) => error.message,
  )
}

async function writer(database: TestDatabase, setting: string) {
  const session = await database.session(setting)
  await session.query(`set ${setting}`)
  return session
}
