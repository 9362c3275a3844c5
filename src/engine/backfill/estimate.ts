import { buildsOn, type Estimate, estimateOf, type Sizes } from '../../core/plan/estimate.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { BackfillStep, Step } from '../../core/plan/step.ts'
import { LADDER_BLOCKS_MIN } from '../../core/run/ladder.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'

/** What the backfills of a plan will need, as the tables are now. Nothing is said of a table that is not there yet. */
export async function estimate(engine: Engine, plan: Plan): Promise<readonly Estimate[]> {
  return await estimateSteps(engine, fillsOf(plan), plan.steps)
}

export function fillsOf({ steps }: Plan): readonly BackfillStep[] {
  return steps.filter((step): step is BackfillStep => step.kind === 'backfill')
}

/** @param steps what is done beside them, such as indexes that are built */
export async function estimateSteps(
  engine: Engine,
  fills: readonly BackfillStep[],
  steps: readonly Step[] = [],
): Promise<readonly Estimate[]> {
  if (fills.length === 0) return []
  const found = await engine.database.read<Sizes & { readonly step: string }>(sizesSql(fills))
  return found.map(({ step, ...sizes }) => {
    const fill = fills.find(({ id }) => id === step) as BackfillStep
    return estimateOf(fill, sizes, buildsOn(fill.table, steps))
  })
}

/** Where a table was never analysed its rows are taken to be of a hundred bytes. */
function sizesSql(steps: readonly BackfillStep[]): Sql {
  const asked = steps.map(
    ({ id, table }) => sql`(${lit(id)}, pg_catalog.to_regclass(${lit(qualified(table))}))`,
  )
  return sql`
select s.step, sum(case when c.reltuples < 0 then pg_catalog.pg_relation_size(c.oid) / 100 else c.reltuples end)::bigint as rows,
    sum(f.blocks)::bigint as blocks, coalesce(sum(f.blocks) filter (where f.blocks >= ${lit(LADDER_BLOCKS_MIN)}), 0)::bigint as climbed,
    sum(pg_catalog.pg_relation_size(c.oid))::bigint as "tableBytes", sum(pg_catalog.pg_indexes_size(c.oid))::bigint as "indexBytes",
    sum((select coalesce(max(pg_catalog.pg_relation_size(i.indexrelid)), 0) from pg_catalog.pg_index i where i.indrelid = c.oid))::bigint as "largestIndexBytes"
  from (values ${join(asked)}) s (step, relation)
  cross join lateral (select relid from pg_catalog.pg_partition_tree(s.relation) union select s.relation) part
  join pg_catalog.pg_class c on c.oid = part.relid and c.relkind = 'r'
  cross join lateral (select pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint as blocks) f
  group by s.step`
}
