import type { Cost, Progress } from '../../core/run/event.ts'
import { progressOf, type Sample } from '../../core/run/meter.ts'
import { lapOf, type Pass, rowsOfAll, share } from '../../core/run/ranges.ts'
import { lit, sql } from '../../core/sql.ts'
import type { Engine } from '../context.ts'
import { LOG_BYTES } from './checkpoint.ts'
import { climbedSql, leafOf } from './range-rows.ts'

/** The step that a run is at, where that works through a table. */
export interface Doing {
  readonly step: string
  readonly sample: Sample
}

interface Found {
  readonly step: string
  readonly state: (Pass & { readonly byRanges?: true }) | null
  readonly rows: number
  readonly rowsTotal: number
  readonly seconds: number
  readonly blocks: number
  readonly logBytes: number | null
  /** Of the file by now; null where it is not in the default tablespace. */
  readonly blocksNow: number | null
}

/** As the journal has it, whoever works on it. */
export async function readDoing(engine: Engine, run: number): Promise<Doing | undefined> {
  const [found] = await engine.database.read<Found>(sql`
select c.step, c.state, c.rows_done + r.rows as rows, c.rows_total as "rowsTotal",
    extract(epoch from pg_catalog.clock_timestamp() - c.started_at) as seconds, r.blocks, ${LOG_BYTES} as "logBytes",
    pg_catalog.pg_relation_size(pg_catalog.pg_filenode_relation(0, (c.state #>> '{file,filenode}')::pg_catalog.oid)) / pg_catalog.current_setting('block_size')::bigint as "blocksNow"
  from bellows.checkpoint c cross join lateral (${climbedSql(sql`step = c.step and leaf = ${leafOf(sql`c.state`)}`)}) r
  where c.run = ${lit(run)} and not c.finished order by c.updated_at desc limit 1`)
  if (found === undefined || found.state === null) return undefined
  const { step, state, rows, rowsTotal, seconds, blocks } = found
  const pass = state.byRanges === true ? { ...state, at: { block: blocks, line: 1 } } : state
  return {
    step,
    sample: {
      rowsDone: rows,
      rowsTotal: Math.max(rowsTotal, rowsOfAll(pass)),
      seconds,
      share: share(pass),
      lap: lapOf(pass),
      cost: costOf(found, state),
    },
  }
}

function costOf({ logBytes, blocksNow }: Found, { file }: Pass): Cost {
  return {
    ...(logBytes === null ? {} : { logBytes }),
    ...(blocksNow === null || file.blocks === 0 ? {} : { growth: blocksNow / file.blocks }),
  }
}

const BEGIN: Sample = { rowsDone: 0, rowsTotal: 0, seconds: 0, share: 0 }

/** How far it is, at one look: by the time since the step began. */
export async function readProgress(engine: Engine, run: number): Promise<Progress | undefined> {
  const doing = await readDoing(engine, run)
  return doing === undefined
    ? undefined
    : progressOf(doing.step, { attempt: BEGIN, lap: BEGIN }, doing.sample)
}
