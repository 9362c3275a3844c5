import { CRON_JOBS, CRON_SIGHT, type CronJob, type CronSight, jobsUsing } from '../../core/plan/cron-jobs.ts'
import { dependentsQuery } from '../../core/plan/dependents.ts'
import { type FunctionText, functionsNaming, functionsUsing } from '../../core/plan/function-uses.ts'
import { tableDependentsQuery } from '../../core/plan/table-dependents.ts'
import type { Dependent, Dependents, QualifiedName } from '../../core/schema/model.ts'
import { sql } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

/** What hangs on a column, or on a table where none is named: what the catalog says, functions by their text, and the jobs of pg_cron, as far as this role may see them. */
export async function readDependents(
  sessions: Pick<Sessions, 'read'>,
  table: QualifiedName,
  column?: string,
): Promise<Dependents> {
  const hanging = await sessions.read<Dependents['found'][number]>(
    sql`${column === undefined ? tableDependentsQuery(table) : dependentsQuery(table, column)} order by kind, name`,
  )
  const functions = await sessions.read<FunctionText>(functionsNaming(table, column))
  const objects = [...hanging, ...functionsUsing(functions, table, column).map(byText)]
  const [cron] = await sessions.read<CronSight>(CRON_SIGHT)
  if (cron === undefined) return { found: objects, areJobsHidden: false }
  const jobs = cron.readable ? await sessions.read<CronJob>(CRON_JOBS) : []
  return {
    found: [...objects, ...jobsUsing(jobs, table, column).map(byText)],
    areJobsHidden: !cron.readable || cron.ownOnly,
  }
}

function byText(one: Pick<Dependent, 'kind' | 'name'>): Dependents['found'][number] {
  return { ...one, byText: true }
}
