import type { Sample } from '../../core/run/meter.ts'
import { type Pass, rowsOfAll, share } from '../../core/run/ranges.ts'
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
}

/** As the journal has it, whoever works on it. */
export async function readDoing(engine: Engine, run: number): Promise<Doing | undefined> {
  const [found] = await engine.database.read<Found>(sql`
select c.step, c.state, c.rows_done + r.rows as rows, c.rows_total as "rowsTotal",
    extract(epoch from pg_catalog.clock_timestamp() - c.started_at) as seconds, r.blocks, ${LOG_BYTES} as "logBytes"
  from bellows.checkpoint c cross join lateral (${climbedSql(sql`step = c.step and leaf = ${leafOf(sql`c.state`)}`)}) r
  where c.run = ${lit(run)} and not c.finished order by c.updated_at desc limit 1`)
  if (found === undefined || found.state === null) return undefined
  const { step, state, rows, rowsTotal, seconds, blocks, logBytes } = found
  const pass = state.byRanges === true ? { ...state, at: { block: blocks, line: 1 } } : state
  return {
    step,
    sample: {
      rowsDone: rows,
      rowsTotal: Math.max(rowsTotal, rowsOfAll(pass)),
      seconds,
      share: share(pass),
      ...(logBytes === null ? {} : { cost: { logBytes } }),
    },
  }
}
