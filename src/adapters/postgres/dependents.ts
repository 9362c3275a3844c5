import { CRON_JOBS, CRON_SIGHT, type CronJob, type CronSight, jobsUsing } from '../../core/plan/cron-jobs.ts'
import { dependentsOfEach } from '../../core/plan/dependents.ts'
import { type FunctionText, functionsNaming, functionsUsing } from '../../core/plan/function-uses.ts'
import type { Leaver, LeaverInParts } from '../../core/plan/leaver.ts'
import { tableDependentsQuery } from '../../core/plan/table-dependents.ts'
import { partsOfEach } from '../../core/plan/tree.ts'
import type { Dependents, QualifiedName } from '../../core/schema/model.ts'
import { join, lit, type Sql, sql } from '../../core/sql.ts'
import { nameInUse } from '../../core/thing-use.ts'
import type { Sessions } from './sessions.ts'

const NONE: Dependents = { found: [], areJobsHidden: false }

/** What hangs on what leaves: what the catalog says, functions by their text, and the jobs of pg_cron, as far as this role may see them. */
export async function readDependents(sessions: Pick<Sessions, 'read'>, of: Leaver): Promise<Dependents> {
  const [dependents = NONE] = await readDependentsOfEach(sessions, [of])
  return dependents
}

/** The same of many, with as few questions. */
export async function readDependentsOfEach(
  sessions: Pick<Sessions, 'read'>,
  leaving: readonly Leaver[],
): Promise<readonly Dependents[]> {
  if (leaving.length === 0) return []
  const asked = await withParts(sessions, leaving)
  const hanging = byPlace(
    await sessions.read<Placed<{ kind: string; name: string; bound: boolean }>>(
      sql`select at, kind, name, bound from (${hangingQuery(asked)}) hanging order by at, kind, name`,
    ),
  )
  const functions = await readFunctions(sessions, asked)
  const [cron] = await sessions.read<CronSight>(CRON_SIGHT)
  const jobs = cron?.readable === true ? await sessions.read<CronJob>(CRON_JOBS) : []
  return asked.map((of, at) => ({
    found: [
      ...(hanging.get(at) ?? []).map(({ kind, name, bound }) => ({
        kind,
        name,
        ...(bound ? { bound } : {}),
      })),
      ...functionsUsing(functions.get(at) ?? [], of),
      ...jobsUsing(jobs, of),
    ],
    areJobsHidden: cron !== undefined && (!cron.readable || cron.ownOnly),
  }))
}

/** Whoever names a partition uses the column of its table; a table that goes has each of them go by itself. */
async function withParts(
  sessions: Pick<Sessions, 'read'>,
  leaving: readonly Leaver[],
): Promise<readonly LeaverInParts[]> {
  const tables = leaving.flatMap(({ table, column }, at) => (column === undefined ? [] : [{ at, table }]))
  if (tables.length === 0) return leaving
  const parts = byPlace(await sessions.read<Placed<QualifiedName>>(partsOfEach(tables)))
  return leaving.map((of, at) => ({ ...of, parts: parts.get(at) ?? [] }))
}

/** Those whose text has the name in it by which use shows. */
async function readFunctions(
  sessions: Pick<Sessions, 'read'>,
  asked: readonly LeaverInParts[],
): Promise<ReadonlyMap<number, readonly FunctionText[]>> {
  const named = asked.flatMap((of, at) => {
    const name = nameInUse(of)
    const { column, parts = [] } = of
    return name === undefined
      ? []
      : [{ at, name: { table: { ...of.table, name }, parts, ...(column === undefined ? {} : { column }) } }]
  })
  if (named.length === 0) return new Map()
  const texts = await sessions.read<Placed<FunctionText>>(functionsNaming(named.map(({ name }) => name)))
  return byPlace(texts.map((text) => ({ ...text, at: named[text.at]?.at ?? 0 })))
}

/** The first word of what somebody asks for by its own query says what it is. */
function hangingQuery(asked: readonly Leaver[]): Sql {
  const columns = asked.flatMap(({ table, column }, at) =>
    column === undefined ? [] : [{ at, table, column }],
  )
  const others = asked.flatMap(({ table, column, thing }, at) => {
    if (column !== undefined) return []
    if (thing === undefined || thing.reach === 'relation')
      return [
        sql`select ${lit(at)} as at, kind, name, true as bound from (${tableDependentsQuery(table)}) found`,
      ]
    if (thing.dependents === undefined)
      return [sql`select ${lit(at)} as at, '' as kind, '' as name, true as bound where false`]
    return [
      sql`select ${lit(at)} as at, pg_catalog.split_part(name, ' ', 1) as kind, pg_catalog.substr(name, pg_catalog.strpos(name, ' ') + 1) as name, true as bound from (${thing.dependents}) found`,
    ]
  })
  return join([...(columns.length === 0 ? [] : [dependentsOfEach(columns)]), ...others], '\nunion all\n')
}

type Placed<T> = T & { readonly at: number }

/** Rows by the place of what they belong to. */
export function byPlace<T>(rows: readonly Placed<T>[]): ReadonlyMap<number, readonly T[]> {
  const places = new Map<number, T[]>()
  for (const row of rows) {
    const there = places.get(row.at)
    if (there === undefined) places.set(row.at, [row])
    else there.push(row)
  }
  return places
}
