import { BellowsError } from '../core/errors.ts'
import type { VersionRef } from '../core/operations/migration.ts'
import { type Change, versionName } from '../core/plan/change.ts'
import { tablesOf } from '../core/plan/needs.ts'
import type { VersionFacts } from '../core/run/event.ts'
import { sql } from '../core/sql.ts'
import { reopenBackfillSql } from './backfill/checkpoint.ts'
import type { Driving, Engine } from './context.ts'
import { note } from './note.ts'

/** A version of the schema that stands, as the journal numbered it. */
export interface Version extends VersionRef {
  readonly run: number
  readonly facts: VersionFacts
  /** The table's shape right after it, such as `users (name, full_name NULL)`; null of one that is gone. */
  readonly shape: string | null
}

export async function readVersions(engine: Engine): Promise<readonly Version[]> {
  if (!(await engine.journal.isInstalled())) return []
  return engine.database.read<Version>(
    sql`select version, name, run, facts, shape from bellows.version order by version`,
  )
}

/** Takes a version out of the history. Data and dual write stay; the step is pending again. */
export async function withdrawVersion(engine: Driving, run: number, version: VersionRef): Promise<void> {
  const { version: number, name } = version
  await note(engine, run, [{ type: 'version_withdrawn', version: number, name }], [reopenBackfillSql(run)])
}

/** Puts a version into the history that a run in the opposite direction had taken out and whose effect is there. */
export async function standVersion(
  engine: Driving,
  run: number,
  change: Change,
  rows: number,
): Promise<void> {
  const [stored] = await engine.journal.runs({ id: run })
  const [table] = stored === undefined ? [] : tablesOf(stored.plan.migration)
  if (table === undefined) throw new BellowsError('run_not_found', `There is no run ${run}.`)
  const facts: VersionFacts = { change, table, rows, backwardCompatible: change.kind !== 'removed' }
  await note(engine, run, [{ type: 'version_applied', name: versionName(change), facts }])
}
