import { entriesByName } from '../core/entries.ts'
import { BellowsError } from '../core/errors.ts'
import { type Baseline, recount, refuseBaseline } from '../core/history/baseline.ts'
import { type Explained, judgeDrift, type SchemaDrift } from '../core/history/drift.ts'
import { lit, type Sql, sql } from '../core/sql.ts'
import type { Driving, Engine } from './context.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'

/** The baseline that counts, where there is one. */
export async function readBaseline(engine: Engine): Promise<Baseline | undefined> {
  if (!(await engine.journal.isInstalled())) return undefined
  const [last] = await engine.database.read<Baseline>(sql`
select at, by_role as role, files, last_run as "lastRun" from bellows.baseline order by id desc limit 1`)
  // In the order of their names; the server keeps short ones first.
  return last === undefined ? undefined : { ...last, files: Object.fromEntries(entriesByName(last.files)) }
}

/** What a baseline of these files changes, or would change. */
export interface BaselineReport {
  /** Migrations that count as applied from now on, without ever running. */
  readonly applied: readonly string[]
  /** Migrations that counted as applied by the baseline before, and are pending again. */
  readonly pending: readonly string[]
  /** What is taken as right although it is not as it was recorded. */
  readonly drift: SchemaDrift
}

/** @throws BellowsError `run_conflict` when a run is under way, or one of these migrations was rolled back */
export async function previewBaseline(
  engine: Engine,
  files: Readonly<Record<string, string>>,
): Promise<BaselineReport> {
  const names = Object.keys(files)
  const runs = await readRuns(engine, 'all')
  refuseBaseline(names, runs)
  const [baseline, drift] = [await readBaseline(engine), await readDrift(engine)]
  return { ...recount(names, baseline, runs), drift }
}

/** Counts the files as applied, and takes the schema as it is for the one that should be. */
export async function setBaseline(
  engine: Driving,
  files: Readonly<Record<string, string>>,
): Promise<BaselineReport> {
  const report = await previewBaseline(engine, files)
  await engine.driver.setBaseline(files)
  return report
}

/** Holds the schema against the record. Reads the catalog once. */
export async function readDrift(engine: Engine): Promise<SchemaDrift> {
  if (!(await engine.journal.isInstalled())) return judgeDrift('nothing', [])
  const recorded = await howMuchIsRecorded(engine)
  const isCompared = recorded === 'everything' || recorded === 'tables'
  return judgeDrift(recorded, isCompared ? await engine.database.read<Explained>(DIFFERING) : [])
}

async function howMuchIsRecorded({ database }: Engine): Promise<SchemaDrift['recorded']> {
  const [scope] = await database.read<{ recorded: SchemaDrift['recorded'] }>(sql`
select case when not exists (select from bellows.recorded_object) and not exists (select from bellows.baseline) then 'nothing'
    when not exists (select from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass('bellows.run') and attname = 'names') then 'outdated'
    when exists (select from bellows.baseline) then 'everything' else 'tables' end as recorded`)
  return scope?.recorded ?? 'nothing'
}

/**
 * A run has to do with everything that its plan names, until what it has left is on record, but for what somebody
 * changed before it, or while nobody drove it.
 */
const DIFFERING = sql`
with at_work as materialized (
  select r.id, r.migration, name
    from bellows.run r cross join lateral pg_catalog.unnest(r.names) as name
    where not r.recorded and not exists (select from bellows.event e where e.run = r.id and e.event ->> 'type' = 'run_rolled_back')
)
select d.namespace, d.relation, d.kind, d.name, d.recorded, d.found, (
    select min(w.migration) from at_work w
      where w.name = d.relation and not exists (select from bellows.found_object o
        where (o.run, o.namespace, o.relation, o.kind, o.name) = (w.id, d.namespace, d.relation, d.kind, d.name)
          and o.definition is not distinct from d.found)
        and not exists (select from bellows.left_schema l where l.run = w.id
          and not bellows.is_as_left(l.objects, array[d.namespace, d.relation, d.kind, d.name], d.found))) as migration,
    nullif(d.printed_by, pg_catalog.current_setting('server_version_num')::integer / 10000) as "printedBy",
    d.kind = 'table' and exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join bellows.recorded_object o on (o.namespace, o.relation, o.kind, o.name) = (n.nspname, c.relname, 'table', '')
      where c.oid = pg_catalog.pg_partition_root(pg_catalog.to_regclass(pg_catalog.format('%I.%I', d.namespace, d.relation)))) as "isPartition"
  from bellows.differing() d where d.counts
  order by d.namespace, d.relation, d.name <> '', d.kind, d.name`

/** Puts what a completed run has left on record; what is there already is not read again. */
export async function recordRun(engine: Driving, run: number): Promise<void> {
  await note(engine, run, [], [sql`select bellows.record_run(${lit(run)})`])
}

/** With the end of a rollback: nothing of the run is on record but what it had to leave. */
export function recordRollbackSql(run: number): Sql {
  return sql`select bellows.record_rollback(${lit(run)})`
}

/**
 * Drives a run with an account of what others change meanwhile: while nobody drives it nothing changes by the run. Whatever stops that
 * account costs no more than it: then all changes count as those of the run.
 */
export async function keepingAccount<R>(engine: Driving, run: number, work: () => Promise<R>): Promise<R> {
  await takeUp(engine, run)
  const result = await work().catch(async (error: unknown) => {
    if (isRefusal(error)) await leave(engine, run).catch(() => undefined)
    throw error
  })
  await leave(engine, run)
  return result
}

/** What others changed since the run was left is theirs, and what changes from here on is of the run. */
export async function takeUp(engine: Driving, run: number): Promise<void> {
  await account(engine, run, sql`select bellows.take_up_run(${lit(run)})`).catch(async (error: unknown) => {
    if (!isRefusal(error)) throw error
    await note(engine, run, [], [sql`delete from bellows.left_schema where run = ${lit(run)}`])
  })
}

async function leave(engine: Driving, run: number): Promise<void> {
  await account(engine, run, sql`select bellows.leave_run(${lit(run)})`).catch((error: unknown) => {
    if (!isRefusal(error)) throw error
  })
}

/** Did the database say no, and is there still a driver who may go on? */
function isRefusal(error: unknown): boolean {
  return error instanceof BellowsError && !['connection_lost', 'driver_lost'].includes(error.code)
}

/** Reading a definition waits for whoever holds its table for himself; a step would tell who that is. */
async function account(engine: Driving, run: number, statement: Sql): Promise<void> {
  const bounds = { locks: [], lockTimeoutMs: 1000, statementTimeoutMs: engine.settings.driver.staleMs / 2 }
  await engine.driver.transact({ run, ...bounds, requires: [], statements: [statement], events: [] })
}
