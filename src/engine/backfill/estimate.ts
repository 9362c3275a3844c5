import { buildsOn, type Estimate, estimateOf, type Sizes } from '../../core/plan/estimate.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { BackfillStep, Step } from '../../core/plan/step.ts'
import { treeOf } from '../../core/plan/tree.ts'
import { LADDER_BLOCKS_MIN } from '../../core/run/ladder.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { blocksOf } from './size.ts'

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

const BLOCK = sql`pg_catalog.current_setting('block_size')::bigint`

/** Where a table was never analysed its rows are taken to be of a hundred bytes. */
function sizesSql(steps: readonly BackfillStep[]): Sql {
  const asked = steps.map(
    ({ id, table }) => sql`(${lit(id)}, pg_catalog.to_regclass(${lit(qualified(table))}))`,
  )
  return sql`
select s.step, sum(case when c.reltuples < 0 then f.bytes / 100 else c.reltuples end)::bigint as rows,
    sum(f.blocks)::bigint as blocks, coalesce(sum(f.blocks) filter (where f.blocks >= ${lit(LADDER_BLOCKS_MIN)}), 0)::bigint as climbed,
    sum(f.bytes)::bigint as "tableBytes", sum(i.bytes)::bigint as "indexBytes", sum(i.largest)::bigint as "largestIndexBytes"
  from (values ${join(asked)}) s (step, relation)
  cross join lateral ${treeOf(sql`s.relation`)} part
  join pg_catalog.pg_class c on c.oid = part.relid and c.relkind = 'r'
  cross join lateral (select blocks, blocks * ${BLOCK} as bytes from (select ${blocksOf(sql`c`)} as blocks) file) f
  cross join lateral (select coalesce(sum(bytes), 0) as bytes, coalesce(max(bytes), 0) as largest from (
    select ${blocksOf(sql`ic`)} * ${BLOCK} as bytes
      from pg_catalog.pg_index x join pg_catalog.pg_class ic on ic.oid = x.indexrelid where x.indrelid = c.oid) sizes) i
  group by s.step`
}
