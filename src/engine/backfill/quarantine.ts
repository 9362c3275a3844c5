import { relationExists } from '../../core/plan/probes.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { treeOf } from '../../core/plan/tree.ts'
import type { RangeRow } from '../../core/run/ladder.ts'
import { type Quarantine, type QuarantinedRow, SAMPLES_MAX } from '../../core/run/quarantine.ts'
import { inRange } from '../../core/run/ranges.ts'
import type { QualifiedName } from '../../core/schema/model.ts'
import { lit, qualified, regclass, type Sql, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { holds } from '../holds.ts'
import { rowName } from './failing-row.ts'
import type { Part } from './leaves.ts'
import { claimSql, isOfPart, isRange, type OnePass } from './range-rows.ts'

/** Why a row is left out, as PostgreSQL has said it. */
export type Reason = Pick<QuarantinedRow, 'message' | 'sqlstate'>

/** What came of leaving one out. */
export interface SetAside {
  /** Of the step, with this one. */
  readonly rows: number
  /** There are as many as there may be, and nothing was done. */
  readonly isFull: boolean
  /** Absent where the row has gone, or somebody else was first. */
  readonly row: string | null
}

/**
 * Leaves out the one row of a range and says that the range is done, or neither. The checkpoint is locked so that not one is noted above the
 * bound; the claim is that of a rung, so that a late worker notes nothing. A row that somebody has corrected by now is another version
 * elsewhere, which the trigger has filled.
 */
export function setAsideSql(
  pass: OnePass,
  range: RangeRow,
  { message, sqlstate }: Reason,
  rowsMax: number,
): readonly Sql[] {
  const { step, leaf, run, file } = pass
  const hasRoom = sql`(select rows from known) < ${lit(rowsMax)} and exists (select from claimed)`
  return [
    sql`select from bellows.checkpoint where step = ${lit(step.id)} for update`,
    sql`
with claimed as materialized (${claimSql(pass, range)}),
known as materialized (select count(*) as rows from bellows.quarantine where step = ${lit(step.id)}),
noted as (
  insert into bellows.quarantine (step, run, leaf, "table", filenode, place, name, sqlstate, message)
    select ${lit(step.id)}, ${lit(run)}, ${lit(leaf?.oid ?? 0)}, ${lit(step.table.name)}, ${lit(file.filenode)}, ctid, ${rowName(step.key)}, ${lit(sqlstate)}, ${lit(message)}
      from ${qualified(step.table)} where ${inRange(range)} and ${hasRoom}
    on conflict (step, leaf, place) do update set filenode = excluded.filenode, name = excluded.name, sqlstate = excluded.sqlstate, message = excluded.message
    returning name),
passed as (
  update bellows.backfill_range set next_rung = rungs where ${isOfPart(pass)} and ${isRange(range)} and ${hasRoom})
select pg_catalog.json_build_object('rows', rows + (select count(*) from noted), 'isFull', rows >= ${lit(rowsMax)} and exists (select from claimed), 'row', (select name from noted)) as result from known`,
  ]
}

/** Where in the file of a table, or of a partition, the rows are that are left out. */
export async function placesOf(
  engine: Engine,
  { step, leaf }: Part<BackfillStep>,
): Promise<readonly { readonly place: string; readonly filenode: number }[]> {
  return await engine.database.read(sql`
select place::text, filenode::bigint from bellows.quarantine where step = ${lit(step.id)} and leaf = ${lit(leaf?.oid ?? 0)}`)
}

/** Of a row that is left out not even the question may be asked: its mapping fails. PostgreSQL keeps to the order within CASE. */
export function unfilledBeside(unfilled: Sql, places: readonly string[]): Sql {
  if (places.length === 0) return unfilled
  return sql`case when ctid = any (${lit(`{${places.map((place) => `"${place}"`).join(',')}}`)}::pg_catalog.tid[]) then false else ${unfilled} end`
}

/** A row that is left out, where it is. */
export interface Left extends QuarantinedRow {
  readonly leaf: number
  readonly place: string
  readonly filenode: number
  /** The table that it is in by now; absent where its partition has left. */
  readonly now: QualifiedName | null
  /** Was the table rewritten since, so that it is somewhere else? */
  readonly isMoved: boolean
}

export async function leftOut(engine: Engine, step: BackfillStep): Promise<readonly Left[]> {
  const table = sql`${regclass(step.table)}::pg_catalog.oid`
  return await engine.database.read<Left>(sql`
select q.leaf::bigint, q.place::text, q.filenode::bigint, q."table", q.name as "row", q.sqlstate, q.message,
    case when c.oid is not null then pg_catalog.json_build_object('namespace', n.nspname, 'name', c.relname) end as now,
    coalesce(pg_catalog.pg_relation_filenode(c.oid) <> q.filenode, false) as "isMoved"
  from bellows.quarantine q
  left join (select ${table} as oid union select relid from ${treeOf(regclass(step.table))} tree) part
    on part.oid = case q.leaf when 0 then ${table} else q.leaf end
  left join pg_catalog.pg_class c on c.oid = part.oid left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where q.step = ${lit(step.id)} order by q.leaf, q.place`)
}

/** Fills a row that was left out, if it still waits, and forgets that it was, or neither. Where its partition has left it is forgotten alone. */
export function fillLeftSql(step: BackfillStep, left: Left): Sql {
  const note = sql`step = ${lit(step.id)} and leaf = ${lit(left.leaf)} and place = ${lit(left.place)}::pg_catalog.tid`
  if (left.now === null) return sql`delete from bellows.quarantine where ${note}`
  const stands = sql`pg_catalog.pg_relation_filenode(${regclass(left.now)})::bigint = ${lit(left.filenode)}`
  return sql`
with filled as (
  update ${qualified(left.now)} set ${step.set} where ctid = ${lit(left.place)}::pg_catalog.tid and ${step.unfilled} and ${stands} returning 1),
forgotten as (delete from bellows.quarantine where ${note} and ${stands})
update bellows.checkpoint set rows_done = rows_done + (select count(*) from filled) where step = ${lit(step.id)}`
}

/** It fails for another reason by now. */
export function blameSql(step: BackfillStep, left: Left, { message, sqlstate }: Reason): Sql {
  return sql`update bellows.quarantine set message = ${lit(message)}, sqlstate = ${lit(sqlstate)} where step = ${lit(step.id)} and leaf = ${lit(left.leaf)} and place = ${lit(left.place)}::pg_catalog.tid`
}

/** A pass that begins tries every row, so what was noted of its table is void. */
export function forgetPartSql(part: Part<BackfillStep>): Sql {
  return sql`delete from bellows.quarantine where ${isOfPart(part)}`
}

/** Has the step begin anew, with all of its rows. */
export function beginAnewSql(step: BackfillStep): readonly Sql[] {
  return [
    sql`update bellows.checkpoint set state = 'null' where step = ${lit(step.id)}`,
    sql`delete from bellows.quarantine where step = ${lit(step.id)}`,
  ]
}

/** What a run goes on without, as whoever works on it has written it down. */
export async function readQuarantine(engine: Engine, run: number): Promise<Quarantine> {
  if (!(await isKnown(engine))) return { rows: 0, samples: [] }
  const found = await engine.database.read<QuarantinedRow & { readonly rows: number }>(sql`
select ${SHOWN}, count(*) over () as rows
  from bellows.quarantine where run = ${lit(run)} order by step, leaf, place limit ${lit(SAMPLES_MAX)}`)
  return { rows: found[0]?.rows ?? 0, samples: found.map(({ rows: _rows, ...row }) => row) }
}

/** The last one that was left out, and how many there are. */
export async function readNewest(
  engine: Engine,
  run: number,
): Promise<{ readonly step: string; readonly rows: number; readonly newest: QuarantinedRow } | undefined> {
  if (!(await isKnown(engine))) return undefined
  const [found] = await engine.database.read<
    QuarantinedRow & { readonly step: string; readonly rows: number }
  >(sql`
select step, ${SHOWN}, count(*) over () as rows
  from bellows.quarantine where run = ${lit(run)} order by at desc limit 1`)
  if (found === undefined) return undefined
  const { step, rows, ...newest } = found
  return { step, rows, newest }
}

const SHOWN = sql`"table", name as "row", sqlstate, message`

/** An older journal that is only read knows of none. */
async function isKnown(engine: Engine): Promise<boolean> {
  return await holds(engine, relationExists({ namespace: 'bellows', name: 'quarantine' }))
}
