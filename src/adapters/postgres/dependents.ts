import { CRON_JOBS, CRON_SIGHT, type CronJob, type CronSight, jobsUsing } from '../../core/plan/cron-jobs.ts'
import { dependentsOfEach } from '../../core/plan/dependents.ts'
import { type FunctionText, functionsNaming, functionsUsing } from '../../core/plan/function-uses.ts'
import type { Dependents, QualifiedName } from '../../core/schema/model.ts'
import { sql } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

export interface ColumnRef {
  readonly table: QualifiedName
  readonly column: string
}

const NONE: Dependents = { found: [], areJobsHidden: false }

/** What hangs on a column: what the catalog says, functions by their text, and the jobs of pg_cron, as far as this role may see them. */
export async function readDependents(
  sessions: Pick<Sessions, 'read'>,
  table: QualifiedName,
  column: string,
): Promise<Dependents> {
  const [dependents = NONE] = await readDependentsOfEach(sessions, [{ table, column }])
  return dependents
}

/** The same of many columns, with as few questions. */
export async function readDependentsOfEach(
  sessions: Pick<Sessions, 'read'>,
  columns: readonly ColumnRef[],
): Promise<readonly Dependents[]> {
  if (columns.length === 0) return []
  const hanging = byPlace(
    await sessions.read<Placed<Dependents['found'][number]>>(
      sql`${dependentsOfEach(columns)} order by at, kind, name`,
    ),
  )
  const functions = byPlace(await sessions.read<Placed<FunctionText>>(functionsNaming(columns)))
  const [cron] = await sessions.read<CronSight>(CRON_SIGHT)
  const jobs = cron?.readable === true ? await sessions.read<CronJob>(CRON_JOBS) : []
  return columns.map(({ table, column }, at) => ({
    found: [
      ...(hanging.get(at) ?? []).map(({ kind, name }) => ({ kind, name })),
      ...functionsUsing(functions.get(at) ?? [], table, column),
      ...jobsUsing(jobs, table, column),
    ],
    areJobsHidden: cron !== undefined && (!cron.readable || cron.ownOnly),
  }))
}

type Placed<T> = T & { readonly at: number }

/** Rows by the place of the column that they belong to. */
export function byPlace<T>(rows: readonly Placed<T>[]): ReadonlyMap<number, readonly T[]> {
  const places = new Map<number, T[]>()
  for (const row of rows) places.set(row.at, [...(places.get(row.at) ?? []), row])
  return places
}
