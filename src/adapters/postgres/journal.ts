import { readFileSync } from 'node:fs'
import { BellowsError } from '../../core/errors.ts'
import type { Event, JournalEntry } from '../../core/run/event.ts'
import type { StoredRun } from '../../core/run/run.ts'
import { join, lit, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Checkpoint, Journal, WhichRuns } from '../../engine/ports.ts'
import type { Sessions } from './sessions.ts'

/** The version of the tables in journal.sql. A newer one was made by a newer Bellows, which knows what we do not. */
const JOURNAL_VERSION = 3

const FUNCTIONS = [
  'instances.sql',
  'needing.sql',
  'database-objects.sql',
  'catalog.sql',
  'schema-compare.sql',
]
const WHOLE = ['journal.sql', 'evidence.sql', 'rollout.sql', 'schema-record.sql', ...FUNCTIONS]

/** What makes a version out of the one before it. */
const UPGRADES: Readonly<Record<number, readonly string[]>> = {
  2: ['upgrade-2.sql', ...FUNCTIONS, 'upgrade-2-record.sql'],
  3: ['upgrade-3.sql', ...FUNCTIONS, 'upgrade-3-record.sql'],
}

export function postgresJournal(sessions: Sessions): Journal {
  return {
    install: () => install(sessions),
    isInstalled: () => isInstalled(sessions),
    isOfThisVersion: () => isOfThisVersion(sessions),
    runs: (which) =>
      sessions.read<StoredRun>(
        sql`select r.id, r.plan from bellows.run r where ${isWhich(which)} order by r.id`,
      ),
    entries: (runs) => entries(sessions, runs),
    checkpoint: (step) => checkpoint(sessions, step),
  }
}

async function isInstalled(sessions: Sessions): Promise<boolean> {
  return (await versionOf(sessions)) !== undefined
}

async function isOfThisVersion(sessions: Sessions): Promise<boolean> {
  const version = await versionOf(sessions)
  if (version === undefined || version === JOURNAL_VERSION) return version !== undefined
  throw new BellowsError(
    'journal_older',
    `The journal in this database is of version ${version}; this Bellows works with version ${JOURNAL_VERSION}.`,
    {
      hint: 'Use the Bellows that drives the migration here, or let it be driven by this one, which upgrades the journal.',
    },
  )
}

/** The version of the journal that is there; an older one can be read, and is upgraded by whoever changes something. */
async function versionOf(sessions: Sessions): Promise<number | undefined> {
  const [found] = await sessions.read<{ there: boolean; readable: boolean | null; owner: string | null }>(sql`
select pg_catalog.to_regclass('bellows.meta') is not null as there,
    pg_catalog.has_table_privilege(pg_catalog.to_regclass('bellows.meta'), 'SELECT') as readable,
    (select pg_catalog.pg_get_userbyid(nspowner) from pg_catalog.pg_namespace where nspname = 'bellows') as owner`)
  if (found?.there !== true) return undefined
  if (found.readable !== true) throw notOurs(found.owner ?? '?')
  const [meta] = await sessions.read<{ journal_version: number }>(
    sql`select journal_version from bellows.meta`,
  )
  const version = meta?.journal_version ?? 0
  if (version > JOURNAL_VERSION) {
    throw new BellowsError(
      'journal_newer',
      `The journal in this database is of version ${version}; this Bellows knows version ${JOURNAL_VERSION}.`,
      { hint: 'Use the newer Bellows that made it.' },
    )
  }
  return version
}

function notOurs(owner: string): BellowsError {
  return new BellowsError('config_invalid', 'This role may not use the journal, which another role made.', {
    hint: `Connect as "${owner}", or make this role a member of it: grant "${owner}" to <role>`,
  })
}

/** Two who install at once: the second waits for the lock, sees that all is there, and does nothing. */
async function install(sessions: Sessions): Promise<void> {
  const version = await versionOf(sessions)
  if (version === undefined) {
    await refuseWithoutRight(sessions)
    await make(sessions)
  }
  for (let next = (version ?? JOURNAL_VERSION) + 1; next <= JOURNAL_VERSION; next += 1)
    await upgrade(sessions, next)
}

/** Nothing is there yet, so this is said before anything runs. */
async function refuseWithoutRight(sessions: Sessions): Promise<void> {
  const [found] = await sessions.read<{ may: boolean; mend: string }>(sql`
select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') or pg_catalog.to_regnamespace('bellows') is not null as may,
    pg_catalog.format('grant create on database %I to %I', pg_catalog.current_database(), current_user) as mend`)
  if (found?.may === true) return
  throw new BellowsError(
    'config_invalid',
    'This role may make no namespace in this database, and Bellows keeps its journal in one of its own.',
    { hint: `Let it, once: ${found?.mend}` },
  )
}

async function make(sessions: Sessions): Promise<void> {
  await sessions.send(
    sql`do ${lit(`
begin
  ${ALONE}
  if not exists (select from pg_catalog.pg_namespace where nspname = 'bellows') then
    execute ${lit(textOf(WHOLE))};
  elsif not exists (select from pg_catalog.pg_class where relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'bellows') and relname = 'meta') then
    raise exception using errcode = 'BW002', detail = 'config_invalid',
      message = 'the database has a namespace "bellows" that Bellows did not make', hint = 'Rename it: alter schema bellows rename to ...';
  end if;
end`)}`,
  )
}

async function upgrade(sessions: Sessions, to: number): Promise<void> {
  await sessions.send(
    sql`do ${lit(`
begin
  ${ALONE}
  if (select journal_version from bellows.meta) = ${to - 1} then
    execute ${lit(textOf(UPGRADES[to] ?? []))};
    update bellows.meta set journal_version = ${to};
  end if;
end`)}`,
  )
}

const ALONE = `perform pg_catalog.pg_advisory_xact_lock(1650814060, 1);
  -- What follows is read from the tables: what this session has cached of names is from before the wait.`

function textOf(files: readonly string[]): string {
  return files.map((file) => readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')).join('\n')
}

async function entries(sessions: Sessions, runs: readonly number[]): Promise<readonly JournalEntry[]> {
  if (runs.length === 0) return []
  const rows = await sessions.read<EventRow>(
    sql`select seq, run, at, event, version, shape from bellows.event where run in (${join(runs.map(lit))}) and ${SAYS_HOW_IT_STANDS} order by seq`,
  )
  return rows.map(({ version, shape, ...entry }) => ({
    ...entry,
    ...(version === null ? {} : { version }),
    ...(shape === null ? {} : { schema: shape }),
  }))
}

/** A rollout has several events for each instance, which nobody needs who only wants to know where its run stands. */
const SAYS_HOW_IT_STANDS = sql`(event ->> 'type' <> 'rollout'
  or event #>> '{event,kind}' in ('rollout_started', 'asked', 'paused', 'turned_back', 'ended'))`

interface EventRow {
  readonly seq: number
  readonly run: number
  readonly at: string
  readonly event: Event
  readonly version: number | null
  readonly shape: string | null
}

function isWhich(which: WhichRuns): Sql {
  if (which === 'all') return sql`true`
  if (which === 'open') {
    return sql`not exists (select from bellows.event e where e.run = r.id and e.event ->> 'type' in ('run_completed', 'run_rolled_back'))`
  }
  if ('id' in which) return sql`r.id = ${lit(which.id)}`
  return sql`(r.migration = ${lit(which.migration)} or ${lit(which.migration)} = any (r.parts))`
}

async function checkpoint(sessions: Sessions, step: string): Promise<Checkpoint | undefined> {
  const [found] = await sessions.read<Checkpoint>(sql`
select state, rows_done as ${trusted('"rowsDone"')}, rows_total as ${trusted('"rowsTotal"')}, finished,
    extract(epoch from updated_at - started_at) as seconds
  from bellows.checkpoint where step = ${lit(step)}`)
  // An older journal that is only read has no ranges.
  if ((found?.state as { readonly byRanges?: true } | null | undefined)?.byRanges !== true) return found
  const [climbing] = await sessions.read<Checkpoint>(sql`
select state, rows_done + rows as ${trusted('"rowsDone"')}, greatest(rows_total, rows_done + rows) as ${trusted('"rowsTotal"')}, finished,
    extract(epoch from updated_at - started_at) as seconds
  from bellows.checkpoint, (select coalesce(sum(r.rows_done), 0)::bigint as rows from bellows.backfill_range r where r.step = ${lit(step)}) ranges
  where step = ${lit(step)}`)
  return climbing
}
