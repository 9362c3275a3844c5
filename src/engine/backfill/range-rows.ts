import type { BackfillStep } from '../../core/plan/step.ts'
import { ofRung, type RangeRow } from '../../core/run/ladder.ts'
import { inRange, type Position, type Range, START, type TableFile } from '../../core/run/ranges.ts'
import { join, lit, qualified, type Sql, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { isRewritten } from './file.ts'
import type { Part } from './leaves.ts'

/** The rows of `bellows.backfill_range` that are of one table, or one partition, of a step. */
export function isOfPart({ step, leaf }: Part<BackfillStep>): Sql {
  return sql`step = ${lit(step.id)} and leaf = ${lit(leaf?.oid ?? 0)}`
}

function isRange({ from }: Range): Sql {
  return sql`from_block = ${lit(from.block)} and from_line = ${lit(from.line)}`
}

/**
 * A range whose next rung may be done: the one that is furthest. One behind it must have done its last rung since: what that left dead
 * can be pruned by then. Nothing is locked by looking.
 * @param besides those that this process is at work on
 * @param isWaived where nothing else is left, no other is waited for
 */
export async function nextRange(
  engine: Engine,
  part: Part<BackfillStep>,
  { besides, isWaived }: { readonly besides: readonly Range[]; readonly isWaived: boolean },
): Promise<RangeRow | undefined> {
  const isFree = besides.map((one) => sql` and not (${isRange(one)})`)
  const isRipe = sql`(next_rung = 0 or exists (select from bellows.backfill_range behind
      where ${isOfPart(part)} and (behind.from_block, behind.from_line) >= (r.to_block, r.to_line) and behind.next_rung >= r.next_rung))`
  const [found] = await engine.database.read<{ range: RangeRow }>(sql`
select pg_catalog.json_build_object('from', pg_catalog.json_build_object('block', from_block, 'line', from_line),
    'to', pg_catalog.json_build_object('block', to_block, 'line', to_line), 'rungs', rungs, 'rung', next_rung) as range
  from bellows.backfill_range r where ${isOfPart(part)} and next_rung < rungs${join(isFree, '')}${isWaived ? sql`` : sql` and ${isRipe}`}
  order by next_rung desc, from_block, from_line limit 1`)
  return found?.range
}

/** Where the ranges that there are end. */
export async function frontier(engine: Engine, part: Part<BackfillStep>): Promise<Position> {
  const [last] = await engine.database.read<Position>(sql`
select to_block as block, to_line as line from bellows.backfill_range where ${isOfPart(part)} order by from_block desc, from_line desc limit 1`)
  return last ?? START
}

/** Adds ranges behind the last one, unless another worker has. The checkpoint says who is first. */
export function openSql(part: Part<BackfillStep>, ranges: readonly Range[], rungs: number): readonly Sql[] {
  const [first] = ranges
  if (first === undefined) return []
  const rows = ranges.map(
    ({ from, to }) => sql`(${join([from.block, from.line, to.block, to.line].map(lit))})`,
  )
  return [
    sql`select from bellows.checkpoint where step = ${lit(part.step.id)} for update`,
    sql`insert into bellows.backfill_range (step, leaf, from_block, from_line, to_block, to_line, rungs)
  select ${lit(part.step.id)}, ${lit(part.leaf?.oid ?? 0)}, r.*, ${lit(rungs)} from (values ${join(rows)}) r (from_block, from_line, to_block, to_line)
  where not exists (select from bellows.backfill_range where ${isOfPart(part)} and (from_block, from_line) >= (${lit(first.from.block)}, ${lit(first.from.line)}))`,
  ]
}

/** What a batch brought; `isClaimed` false: another worker was at it, and nothing was done. */
export interface RungDone {
  readonly isClaimed: boolean
  readonly isRewritten: boolean
  readonly found: number
  readonly ms: number
}

/** One statement: the rows of a rung and the range that says so, or neither. The value is computed by the UPDATE itself. */
export function rungSql(part: Part<BackfillStep>, range: RangeRow, file: TableFile): Sql {
  const { step } = part
  const rewritten = isRewritten(step.table, file)
  return sql`
with claimed as materialized (
  select from bellows.backfill_range where ${isOfPart(part)} and ${isRange(range)} and next_rung = ${lit(range.rung)}
    and (to_block, to_line) = (${lit(range.to.block)}, ${lit(range.to.line)}) and not ${rewritten} for update skip locked),
filled as (
  update ${qualified(step.table)} set ${step.set}
    where ${inRange(range)} and ${step.unfilled} and ${ofRung(range)} and exists (select from claimed)
    returning 1),
counted as (select count(*) as found from filled),
raised as (
  update bellows.backfill_range set next_rung = next_rung + 1, rows_done = rows_done + found from counted
    where ${isOfPart(part)} and ${isRange(range)} and exists (select from claimed))
select pg_catalog.json_build_object('isClaimed', exists (select from claimed), 'isRewritten', ${rewritten}, 'found', found,
    'ms', extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000) as result from counted`
}

/** A range of which one rung takes too long becomes two. */
export function splitSql(
  part: Part<BackfillStep>,
  range: RangeRow,
  [first, second]: readonly [Range, Range],
): Sql {
  return sql`
with halved as (
  update bellows.backfill_range set to_block = ${lit(first.to.block)}, to_line = ${lit(first.to.line)}
    where ${isOfPart(part)} and ${isRange(range)} and next_rung = ${lit(range.rung)} and (to_block, to_line) = (${lit(range.to.block)}, ${lit(range.to.line)})
    returning rungs, next_rung)
insert into bellows.backfill_range (step, leaf, from_block, from_line, to_block, to_line, rungs, next_rung)
  select ${lit(part.step.id)}, ${lit(part.leaf?.oid ?? 0)}, ${join([second.from.block, second.from.line, second.to.block, second.to.line].map(lit))}, rungs, next_rung from halved`
}

/** How far all workers together are. */
export interface Climbed {
  readonly rows: number
  /** Of the step, before this pass. */
  readonly rowsBefore: number
  /** Blocks, those of a range in the measure of its rungs. */
  readonly blocks: number
  /** Ranges that are not done. */
  readonly left: number
  /** Since the step began. */
  readonly seconds: number
}

export async function climbed(engine: Engine, part: Part<BackfillStep>): Promise<Climbed> {
  const [found] = await engine.database.read<Climbed>(sql`
select r.rows, c.rows_done as "rowsBefore", r.blocks, r."left", extract(epoch from pg_catalog.clock_timestamp() - c.started_at) as seconds
  from bellows.checkpoint c, (
    select coalesce(sum(rows_done), 0)::bigint as rows, coalesce(sum((to_block - from_block) * next_rung::double precision / rungs), 0) as blocks,
        count(*) filter (where next_rung < rungs) as "left"
      from bellows.backfill_range where ${isOfPart(part)}) r
  where c.step = ${lit(part.step.id)}`)
  return found ?? { rows: 0, rowsBefore: 0, blocks: 0, left: 0, seconds: 0 }
}

/** The ranges are done with. */
export function closeSql(part: Part<BackfillStep>): Sql {
  return sql`delete from bellows.backfill_range where ${isOfPart(part)}`
}
