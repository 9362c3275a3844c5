import { BellowsError } from '../core/errors.ts'
import type { ValidatePartsStep } from '../core/plan/step.ts'
import { treeSql } from '../core/plan/tree.ts'
import { validateChecksSql } from '../core/plan/validate.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import { join, lit, regclass, type Sql, sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { eachLacking } from './each-lacking.ts'
import { holds } from './holds.ts'
import { transactWithLocks } from './lock.ts'
import { note } from './note.ts'

/** Proves the partitions first and their table last, which then has nothing to read. What was proved stays so, whoever dies on the way. */
export async function validateParts(engine: Driving, run: Run, step: ValidatePartsStep): Promise<void> {
  await note(engine, run.id, [{ type: 'step_started', step: step.id }])
  const lacking = (one?: QualifiedName) => engine.database.read<Unproved>(unprovedSql(step, one))
  await eachLacking(engine, { run, step, lacking }, (part) => prove(engine, run, step, part))
  if (await holds(engine, step.probe)) return
  throw new BellowsError('probe_failed', `What was to ${step.does} ran, but that does not hold.`, {
    step: step.id,
    hint: 'Has somebody dropped a constraint meanwhile? Roll the migration back, and begin anew.',
  })
}

async function prove(engine: Driving, run: Run, step: ValidatePartsStep, part: Unproved): Promise<void> {
  const areProvedBelow = sql`not exists (${unprovedBelowSql(step, regclass(part))})`
  try {
    await transactWithLocks(engine, {
      run: run.id,
      step: step.id,
      locks: [{ relation: part, level: 'share_update_exclusive' }],
      waitsFor: [{ relation: part, level: 'share_row_exclusive' }],
      statementTimeoutMs: engine.settings.scanTimeoutMs,
      requires: [
        {
          that: areProvedBelow,
          code: 'drift_found',
          otherwise: `a partition of "${part.name}" is not proved yet, which came meanwhile`,
        },
      ],
      statements: validateChecksSql(part, part.checks),
      // So that everybody sees it go on.
      events: [{ type: 'step_started', step: step.id }],
    })
  } catch (error) {
    // Whoever attaches one holds the lock that is waited for here. It has its turn first.
    const isLate = error instanceof BellowsError && error.code === 'drift_found'
    if (!isLate || (await holds(engine, areProvedBelow))) throw error
  }
}

interface Unproved extends QualifiedName {
  readonly checks: readonly string[]
}

/** The lowest level first, and nobody before all below are proved: what is proved there is not read again for the one above, under a lock on all of them. */
function unprovedSql(step: ValidatePartsStep, one?: QualifiedName): Sql {
  return sql`
select n.nspname as namespace, c.relname as name, pg_catalog.json_agg(k.conname order by k.conname) as checks
  from ${treeSql(step.table, one)} t
  join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_constraint k on k.conrelid = c.oid and ${isUnproved(step)}
  where not exists (${unprovedBelowSql(step, sql`c.oid`)})
  group by t.level, c.oid, n.nspname, c.relname order by t.level desc, c.oid`
}

/** What was attached by anybody has the constraint, and may have it without the proof as long as its parent is not proved, either. */
function unprovedBelowSql(step: ValidatePartsStep, parent: Sql): Sql {
  return sql`select from pg_catalog.pg_inherits i join pg_catalog.pg_constraint k on k.conrelid = i.inhrelid and ${isUnproved(step)} where i.inhparent = ${parent}`
}

/** Of a constraint `k`. */
function isUnproved({ checks }: Pick<ValidatePartsStep, 'checks'>): Sql {
  return sql`not k.convalidated and k.conname in (${join(checks.map((name) => lit(name)))})`
}
