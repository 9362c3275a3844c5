import { BellowsError } from '../core/errors.ts'
import type { ValidatePartsStep } from '../core/plan/step.ts'
import { treeSql } from '../core/plan/tree.ts'
import { validateChecksSql } from '../core/plan/validate.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { join, lit, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { eachLacking } from './each-lacking.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'

/** Proves the partitions first and their table last, which then has nothing to read. What was proved stays so, whoever dies on the way. */
export async function validateParts(engine: Driving, run: Run, step: ValidatePartsStep): Promise<void> {
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  const lacking = (one?: QualifiedName) => engine.database.read<Unproved>(unprovedSql(step, one))
  await eachLacking(engine, { run, step, lacking }, (part) =>
    transactWithLocks(engine, {
      run: run.id,
      step: step.id,
      locks: [{ relation: part, level: 'share_update_exclusive' }],
      waitsFor: [{ relation: part, level: 'share_row_exclusive' }],
      statementTimeoutMs: engine.settings.scanTimeoutMs,
      requires: [],
      statements: validateChecksSql(part, part.checks),
      // So that everybody sees it go on.
      events: [{ type: 'step_started', step: step.id }],
    }),
  )
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Has somebody dropped a constraint meanwhile? Roll the migration back, and begin anew.',
  })
}

interface Unproved extends QualifiedName {
  readonly checks: readonly string[]
}

/** The lowest level first: what is proved there is not read again for the one above. */
function unprovedSql({ table, checks }: ValidatePartsStep, one?: QualifiedName): Sql {
  return sql`
select n.nspname as namespace, c.relname as name, pg_catalog.json_agg(k.conname order by k.conname) as checks
  from ${treeSql(table, one)} t
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_constraint k on k.conrelid = c.oid and not k.convalidated and k.conname in (${join(checks.map((name) => lit(name)))})
  group by t.level, c.oid, n.nspname, c.relname order by t.level desc, c.oid`
}
