import type { Cost, Progress } from '../../core/run/event.ts'
import { type Pass, rowsOfAll } from '../../core/run/ranges.ts'
import { lit, sql } from '../../core/sql.ts'
import { hasThrottle } from '../brake/read-brake.ts'
import type { Engine } from '../context.ts'
import { readAtWork } from './at-work.ts'
import { LOG_BYTES } from './checkpoint.ts'
import { climbedSql, leafOf } from './range-rows.ts'
import { blocksOf } from './size.ts'
import type { Word } from './word.ts'

interface Found {
  readonly step: string
  readonly state: (Pass & { readonly byRanges?: true }) | null
  readonly rows: number
  readonly rowsTotal: number
  readonly logBytes: number | null
  /** Of the file by now; null where it is not in the default tablespace. */
  readonly blocksNow: number | null
  /** Of the driver that is at work, or died at it; null where another one has left it. */
  readonly word: Word | null
  /** Is it what that driver is at? */
  readonly isIts: boolean
}

/** How far a run is at the step that works through a table, whoever works on it. The figures are in the journal, and the pace is as its driver says. An older journal is not asked. */
export async function readProgress(engine: Engine, run: number): Promise<Progress | undefined> {
  if (!(await hasThrottle(engine))) return undefined
  const [found] = await engine.database.read<Found>(sql`
select c.step, c.state, c.rows_done + r.rows as rows, c.rows_total as "rowsTotal", ${LOG_BYTES} as "logBytes",
    (select ${blocksOf(sql`f`)} from pg_catalog.pg_class f where f.oid = pg_catalog.pg_filenode_relation(0, (c.state #>> '{file,filenode}')::pg_catalog.oid)) as "blocksNow",
    case when (c.word ->> 'epoch')::bigint = h.epoch then c.word end as word,
    coalesce(h.epoch in ((c.word ->> 'epoch')::bigint, (c.state ->> 'epoch')::bigint), false) as "isIts"
  from bellows.checkpoint c left join bellows.heartbeat h on true cross join lateral (${climbedSql(sql`step = c.step and leaf = ${leafOf(sql`c.state`)}`)}) r
  where c.run = ${lit(run)} and not c.finished order by c.updated_at desc limit 1`)
  if (found === undefined || found.state === null) return undefined
  const { step, state, rows, rowsTotal } = found
  return {
    type: 'progress',
    step,
    rowsDone: rows,
    rowsTotal: Math.max(rowsTotal, rowsOfAll(state), rows),
    ...(await paceOf(engine, found)),
    ...costOf(found, state),
  }
}

type Pace = Pick<Progress, 'rowsPerSecond' | 'secondsLeft' | 'workers'>

/** Of a driver that has left, or is at something else, nothing that it said counts, but helpers go on without one that died. */
async function paceOf(engine: Engine, { word, isIts }: Found): Promise<Pace> {
  const { workers, isDriven } = await readAtWork(engine)
  if (!isIts || workers === 0 || word === null)
    return { rowsPerSecond: 0, ...(isIts || workers === 0 ? { workers } : {}) }
  const { rowsPerSecond, secondsLeft } = word
  return { rowsPerSecond, ...(isDriven ? { secondsLeft } : {}), workers }
}

function costOf({ logBytes, blocksNow }: Found, { file }: Pass): Cost {
  return {
    ...(logBytes === null ? {} : { logBytes }),
    ...(blocksNow === null || file.blocks === 0 ? {} : { growth: blocksNow / file.blocks }),
  }
}
