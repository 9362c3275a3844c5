import type { Comparison } from '../../core/plan/comparison.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import { SAMPLES_MAX } from '../../core/run/compared.ts'
import { inRange, type Range } from '../../core/run/ranges.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import { rowName } from './failing-row.ts'

/** What is found in a range, as a `Verdict`. Only where a row failed are its rows looked at closely, at the same moment. */
export function foundSql(step: VerifyStep, range: Range): Sql {
  const rows = sql`from ${qualified(step.table)} where ${inRange(range)}`
  return sql`
  select rows, unfilled, diverged, lossy, samples from (
    select count(*) as rows,
        count(*) filter (where ${step.relation} and ${step.lossy}) as lossy,
        count(*) filter (where ${failed(step)}) as failed
      ${rows}) as bellows_looked
  cross join lateral (
    select count(*) filter (where ${step.unfilled}) as unfilled,
        count(*) filter (where not ${step.unfilled} and not ${step.relation}) as diverged,
        coalesce((pg_catalog.array_agg(${sampleSql(step)}) filter (where ${failed(step)}))[1:${lit(SAMPLES_MAX)}], '{}') as samples
      ${rows} and bellows_looked.failed > 0) as bellows_closely`
}

function failed({ unfilled, relation }: Comparison): Sql {
  return sql`(${unfilled} or not ${relation})`
}

/** Where several columns are compared at once a row is named with those that are wrong in it. */
function sampleSql({ key, each = [] }: VerifyStep): Sql {
  const wrong = each.map(
    (one) => sql` || case when ${failed(one)} then ${lit(` in ${comparedColumns(one)}`)} else '' end`,
  )
  return sql`${rowName(key)}${join(wrong, '')}`
}

/** For people. */
export function comparedColumns({ columns: { from, to } }: Comparison): string {
  return `"${from}" and "${to}"`
}
