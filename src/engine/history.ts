import { type Baseline, recount, refuseBaseline } from '../core/history/baseline.ts'
import { type Explained, judgeDrift, type SchemaDrift } from '../core/history/drift.ts'
import { lit, sql } from '../core/sql.ts'
import type { Driving, Engine } from './context.ts'
import { note } from './note.ts'
import { readRuns } from './runs.ts'

/** The baseline that counts, where there is one. */
export async function readBaseline(engine: Engine): Promise<Baseline | undefined> {
  if (!(await engine.journal.isInstalled())) return undefined
  const [last] = await engine.database.read<Baseline>(sql`
select at, by_role as role, files, last_run as "lastRun" from bellows.baseline order by id desc limit 1`)
  return last
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
  const [scope] = await engine.database.read<{ recorded: SchemaDrift['recorded'] }>(sql`
select case when exists (select from bellows.baseline) then 'everything'
    when exists (select from bellows.recorded_object) then 'tables' else 'nothing' end as recorded`)
  const recorded = scope?.recorded ?? 'nothing'
  if (recorded === 'nothing') return judgeDrift(recorded, [])
  return judgeDrift(recorded, await engine.database.read<Explained>(differing(recorded === 'everything')))
}

/** A run has to do with everything that its plan names, until what it has left is on record. */
function differing(isWhole: boolean) {
  return sql`
with at_work (named, migration) as materialized (
  select name, min(r.migration) as migration
    from bellows.run r cross join lateral pg_catalog.unnest(bellows.names_in(r.plan)) as name
    where not r.recorded and not exists (select from bellows.event e where e.run = r.id and e.event ->> 'type' = 'run_rolled_back')
    group by name
)
select namespace, relation, kind, name, r.definition as recorded, f.definition as found, w.migration
  from bellows.catalog() f full join bellows.recorded_object r using (namespace, relation, kind, name)
  left join at_work w on w.named = relation
  where f.definition is distinct from r.definition
    and (${lit(isWhole)} or r.definition is not null
      or (f.namespace, f.relation) in (select o.namespace, o.relation from bellows.recorded_object o where o.name = ''))
  order by namespace, relation, name <> '', kind, name`
}

/** Puts what a completed run has left on record; what is there already is not read again. */
export async function recordRun(engine: Driving, run: number): Promise<void> {
  await note(engine, run, [], [sql`select bellows.record_run(${lit(run)})`])
}
