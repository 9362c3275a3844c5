import { CRON_JOBS, CRON_SIGHT, type CronJob, type CronSight, jobsUsing } from '../../core/plan/cron-jobs.ts'
import { dependentsOfEach } from '../../core/plan/dependents.ts'
import { type FunctionText, functionsNaming, functionsUsing } from '../../core/plan/function-uses.ts'
import { tableDependentsQuery } from '../../core/plan/table-dependents.ts'
import type { Dependents, QualifiedName } from '../../core/schema/model.ts'
import { join, lit, type Sql, sql } from '../../core/sql.ts'
import type { Sessions } from './sessions.ts'

/** A column, or a table where none is named. */
export interface Asked {
  readonly table: QualifiedName
  readonly column?: string
}

const NONE: Dependents = { found: [], areJobsHidden: false }

/** What hangs on a column, or on a table where none is named: what the catalog says, functions by their text, and the jobs of pg_cron, as far as this role may see them. */
export async function readDependents(
  sessions: Pick<Sessions, 'read'>,
  table: QualifiedName,
  column?: string,
): Promise<Dependents> {
  const asked = { table, ...(column === undefined ? {} : { column }) }
  const [dependents = NONE] = await readDependentsOfEach(sessions, [asked])
  return dependents
}

/** The same of many, with as few questions. */
export async function readDependentsOfEach(
  sessions: Pick<Sessions, 'read'>,
  asked: readonly Asked[],
): Promise<readonly Dependents[]> {
  if (asked.length === 0) return []
  const hanging = byPlace(
    await sessions.read<Placed<{ kind: string; name: string; bound: boolean }>>(
      sql`select at, kind, name, bound from (${hangingQuery(asked)}) hanging order by at, kind, name`,
    ),
  )
  const functions = byPlace(await sessions.read<Placed<FunctionText>>(functionsNaming(asked)))
  const [cron] = await sessions.read<CronSight>(CRON_SIGHT)
  const jobs = cron?.readable === true ? await sessions.read<CronJob>(CRON_JOBS) : []
  return asked.map(({ table, column }, at) => ({
    found: [
      ...(hanging.get(at) ?? []).map(({ kind, name, bound }) => ({
        kind,
        name,
        ...(bound ? { bound } : {}),
      })),
      ...functionsUsing(functions.get(at) ?? [], table, column),
      ...jobsUsing(jobs, table, column),
    ],
    areJobsHidden: cron !== undefined && (!cron.readable || cron.ownOnly),
  }))
}

function hangingQuery(asked: readonly Asked[]): Sql {
  const columns = asked.flatMap(({ table, column }, at) =>
    column === undefined ? [] : [{ at, table, column }],
  )
  const tables = asked.flatMap(({ table, column }, at) =>
    column === undefined
      ? [sql`select ${lit(at)} as at, kind, name, true from (${tableDependentsQuery(table)}) found`]
      : [],
  )
  return join([...(columns.length === 0 ? [] : [dependentsOfEach(columns)]), ...tables], '\nunion all\n')
}

type Placed<T> = T & { readonly at: number }

/** Rows by the place of what they belong to. */
export function byPlace<T>(rows: readonly Placed<T>[]): ReadonlyMap<number, readonly T[]> {
  const places = new Map<number, T[]>()
  for (const row of rows) places.set(row.at, [...(places.get(row.at) ?? []), row])
  return places
}
