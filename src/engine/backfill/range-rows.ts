import type { BackfillStep } from '../../core/plan/step.ts'
import { ofRung, type RangeRow } from '../../core/run/ladder.ts'
import { inRange, type Position, type Range, START, type TableFile } from '../../core/run/ranges.ts'
import { join, lit, qualified, regclass, type Sql, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { LOG_BYTES } from './checkpoint.ts'
import { isRewritten } from './file.ts'
import type { Part } from './leaves.ts'

/** What workers go by. */
export interface OnePass extends Part<BackfillStep> {
  readonly run: number
  readonly file: TableFile
}

/** The rows of `bellows.backfill_range` that are of one table, or one partition, of a step. */
export function isOfPart({ step, leaf }: Part<BackfillStep>): Sql {
  return sql`step = ${lit(step.id)} and leaf = ${lit(leaf?.oid ?? 0)}`
}

/** The partition that the state of a checkpoint is of, in the words of `bellows.backfill_range`. */
export function leafOf(state: Sql): Sql {
  return sql`coalesce((${state} #>> '{leaf,oid}')::bigint, 0)`
}

/** How far the ranges are, as `rows` and `blocks`, of those that meet a condition. */
export function climbedSql(condition: Sql): Sql {
  return sql`
    select coalesce(sum(rows_done), 0)::bigint as rows, coalesce(sum((to_block - from_block) * next_rung::double precision / rungs), 0) as blocks
      from bellows.backfill_range where ${condition}`
}

export function isRange({ from }: Range): Sql {
  return sql`from_block = ${lit(from.block)} and from_line = ${lit(from.line)}`
}

/** What there is to do. */
export interface Next {
  /** A range whose next rung may be done; none while those that are left wait for others. */
  readonly range: RangeRow | null
  /** Where the first range begins that is not done; null when all are. */
  readonly low: Position | null
}

/**
 * The range that is furthest of those whose next rung may be done: the one behind it must have done its last rung since, so that what that
 * left dead can be pruned by then. Nothing is locked by looking.
 * @param low what was known before of where the first one begins: those in front of it are not looked at
 * @param besides those that this process is at work on
 * @param isWaived where nothing else is left, no other is waited for
 */
export async function nextRange(
  engine: Engine,
  part: Part<BackfillStep>,
  {
    low,
    besides,
    isWaived,
  }: { readonly low: Position; readonly besides: readonly Range[]; readonly isWaived: boolean },
): Promise<Next> {
  const isFree = besides.map((one) => sql` and not (${isRange(one)})`)
  const isRipe = sql` and (next_rung = 0 or exists (select from bellows.backfill_range behind
      where ${isOfPart(part)} and (behind.from_block, behind.from_line) = (r.to_block, r.to_line) and (behind.next_rung >= r.next_rung or behind.next_rung = behind.rungs)))`
  const [found] = await engine.database.read<Next>(sql`
with unfinished as materialized (
  select * from bellows.backfill_range where ${isOfPart(part)} and (from_block, from_line) >= (${lit(low.block)}, ${lit(low.line)}) and next_rung < rungs)
select (select pg_catalog.json_build_object('from', pg_catalog.json_build_object('block', from_block, 'line', from_line),
      'to', pg_catalog.json_build_object('block', to_block, 'line', to_line), 'rungs', rungs, 'rung', next_rung)
    from unfinished r where true${join(isFree, '')}${isWaived ? sql`` : isRipe}
    order by next_rung desc, from_block, from_line limit 1) as range,
  (select pg_catalog.json_build_object('block', from_block, 'line', from_line) from unfinished order by from_block, from_line limit 1) as low`)
  return found ?? { range: null, low: null }
}

/** Where the ranges that there are end. */
export async function frontier(engine: Engine, part: Part<BackfillStep>): Promise<Position> {
  const [last] = await engine.database.read<Position>(sql`
select to_block as block, to_line as line from bellows.backfill_range where ${isOfPart(part)} order by from_block desc, from_line desc limit 1`)
  return last ?? START
}

/** Ranges that are to be added, how they are gone through, and why not by a ladder where they could be. */
export interface Opening {
  readonly ranges: readonly [Range, ...Range[]]
  readonly rungs: number
  readonly heldBy?: string
}

/**
 * Adds ranges behind the last one, unless another worker has, or the pass has ended that they would be of. The checkpoint says who is first.
 * Returns whether they were added.
 */
export function openSql(pass: OnePass, { ranges: [first, ...more], rungs, heldBy }: Opening): readonly Sql[] {
  const { step, leaf } = pass
  const state =
    heldBy === undefined ? sql`state - 'heldBy'` : sql`state || ${lit(JSON.stringify({ heldBy }))}::jsonb`
  return [
    sql`select from bellows.checkpoint where step = ${lit(step.id)} for update`,
    sql`with noted as (
  update bellows.checkpoint set state = ${state}
    where ${isUnderWay(pass)} and not exists (select from bellows.backfill_range where ${isOfPart(pass)} and (from_block, from_line) >= (${lit(first.from.block)}, ${lit(first.from.line)}))
    returning 1),
opened as (
  insert into bellows.backfill_range (step, leaf, from_block, from_line, to_block, to_line, rungs)
    select ${lit(step.id)}, ${lit(leaf?.oid ?? 0)}, r.*, ${lit(rungs)} from noted, ${rowsOf([first, ...more])} r
    returning 1)
select pg_catalog.to_json(exists (select from opened)) as result`,
  ]
}

/** Does the checkpoint say that its ranges are those of this pass? Workers may have heard of the pass long ago. */
function isUnderWay({ run, step, leaf, file }: OnePass): Sql {
  return sql`step = ${lit(step.id)} and run = ${lit(run)} and not finished and state ? 'byRanges'
      and (state #>> '{file,filenode}')::bigint = ${lit(file.filenode)} and ${leafOf(sql`state`)} = ${lit(leaf?.oid ?? 0)}`
}

/** Their bounds, in the order of the columns. */
function rowsOf(ranges: readonly Range[]): Sql {
  return sql`(values ${join(ranges.map(({ from, to }) => sql`(${join([from.block, from.line, to.block, to.line].map(lit))})`))})`
}

/** What a batch brought; `isClaimed` false: another worker was at it, and nothing was done. */
export interface RungDone {
  readonly isClaimed: boolean
  readonly isRewritten: boolean
  readonly found: number
  /** Since the step began. */
  readonly seconds: number
  /** Since then; null where nobody knows. */
  readonly logBytes: number | null
  /** Of the file of the table or partition, by now. */
  readonly blocks: number
}

/** Locks a range at its next rung, if it is still there, of this run, and nobody else has it. */
export function claimSql(pass: OnePass, range: RangeRow): Sql {
  const { step, file, run } = pass
  return sql`
  select from bellows.backfill_range where ${isOfPart(pass)} and ${isRange(range)} and next_rung = ${lit(range.rung)}
    and exists (select from bellows.checkpoint c where c.step = ${lit(step.id)} and c.run = ${lit(run)})
    and (to_block, to_line) = (${lit(range.to.block)}, ${lit(range.to.line)}) and not ${isRewritten(step.table, file)} for update skip locked`
}

/**
 * One statement: the rows of a rung and the range that says so, or neither. The value is computed by the UPDATE itself. The range is what keeps
 * a late worker from doing anything: it goes before the backfill ends or is taken back, and another run of the same migration has its own.
 */
export function rungSql(pass: OnePass, range: RangeRow): Sql {
  const { step, file } = pass
  const rewritten = isRewritten(step.table, file)
  return sql`
with claimed as materialized (${claimSql(pass, range)}),
filled as (
  update ${qualified(step.table)} set ${step.set}
    where ${inRange(range)} and ${step.unfilled} and ${ofRung(range)} and exists (select from claimed)
    returning 1),
counted as (select count(*) as found from filled),
raised as (
  update bellows.backfill_range set next_rung = next_rung + 1, rows_done = rows_done + found from counted
    where ${isOfPart(pass)} and ${isRange(range)} and exists (select from claimed))
select pg_catalog.json_build_object('isClaimed', exists (select from claimed), 'isRewritten', ${rewritten}, 'found', found,
    'blocks', pg_catalog.pg_relation_size(${regclass(step.table)}) / pg_catalog.current_setting('block_size')::bigint,
    'seconds', c.seconds, 'logBytes', c.log) as result
  from counted, (select extract(epoch from pg_catalog.clock_timestamp() - started_at) as seconds, ${LOG_BYTES} as log from bellows.checkpoint where step = ${lit(step.id)}) c`
}

/** A range that is too large becomes several, each as far as it was. */
export function splitSql(part: Part<BackfillStep>, range: RangeRow, pieces: readonly Range[]): Sql {
  const [first, ...more] = pieces
  const end = first?.to ?? range.to
  return sql`
with cut as (
  update bellows.backfill_range set to_block = ${lit(end.block)}, to_line = ${lit(end.line)}
    where ${isOfPart(part)} and ${isRange(range)} and next_rung = ${lit(range.rung)} and (to_block, to_line) = (${lit(range.to.block)}, ${lit(range.to.line)})
    returning rungs, next_rung)
insert into bellows.backfill_range (step, leaf, from_block, from_line, to_block, to_line, rungs, next_rung)
  select ${lit(part.step.id)}, ${lit(part.leaf?.oid ?? 0)}, r.*, rungs, next_rung from cut, ${rowsOf(more)} r`
}

/** How far the ranges are. */
export interface Climbed {
  readonly rows: number
  /** Of the step, before this pass. */
  readonly rowsBefore: number
  /** Blocks, those of a range in the measure of its rungs. */
  readonly blocks: number
}

/** Goes through all of them, so it is asked now and then. */
export async function climbed(engine: Engine, part: Part<BackfillStep>): Promise<Climbed> {
  const [found] = await engine.database.read<Climbed>(sql`
select r.rows, c.rows_done as "rowsBefore", r.blocks
  from bellows.checkpoint c, (${climbedSql(isOfPart(part))}) r
  where c.step = ${lit(part.step.id)}`)
  return found ?? { rows: 0, rowsBefore: 0, blocks: 0 }
}

/** The ranges of a step are done with, also those of a partition that has left. */
export function closeSql(step: string): Sql {
  return sql`delete from bellows.backfill_range where step = ${lit(step)}`
}

/** An expression: the rows that they have brought. */
export function rowsOfRanges(step: string): Sql {
  return sql`(select coalesce(sum(rows_done), 0) from bellows.backfill_range where step = ${lit(step)})`
}
