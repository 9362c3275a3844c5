import type { BackfillStep } from '../../core/plan/step.ts'
import type { Pass } from '../../core/run/ranges.ts'
import { lit, sql } from '../../core/sql.ts'
import { hasThrottle } from '../brake/read-brake.ts'
import type { Engine } from '../context.ts'
import type { BadRows, BrakeSettings } from '../settings.ts'
import { readAtWork } from './at-work.ts'
import type { Part } from './leaves.ts'
import { leafOf } from './range-rows.ts'

/** A backfill that is under way. */
export interface Filling {
  readonly run: number
  readonly step: string
  /** Or the partition of it that the backfill is at. */
  readonly table: string
  /** Sessions that fill ranges of it, here or elsewhere. */
  readonly workers: number
  /** Who keeps dead versions of rows from being pruned, so that ranges are gone through in one go. */
  readonly heldBy?: string
}

/** A first pass that others may help with, as the journal has it. */
export interface Open extends Part<BackfillStep> {
  readonly run: number
  readonly pass: Pass
  /** Of the driver whose backfill it is, who is the last one that there was. */
  readonly epoch: number
  /** The limits that it brakes by. */
  readonly brake?: BrakeSettings
  /** Checks of its own, which it alone can ask. */
  readonly checks?: readonly string[]
  /** Has it not been heard of for longer than its word on them counts? */
  readonly isUnheard: boolean
  /** What to do with a row that cannot be filled. */
  readonly badRows?: BadRows
  /** Is it at work, or did it die at it? Otherwise it has left. */
  readonly isDriven: boolean
  /** Is there anything that nobody has filled yet? What comes behind is for the driver alone. */
  readonly isLeft: boolean
  readonly heldBy?: string
}

/** Its place in the journal, without the step, which is in a plan that may be large and stays the same. */
export interface OpenRow {
  readonly run: number
  readonly step: string
  readonly state: Pass & Pick<Open, 'epoch' | 'heldBy' | 'brake' | 'checks' | 'badRows'>
  readonly driven: boolean
  readonly unheard: boolean
  readonly left: boolean
}

/**
 * Whoever helps looks once a second, and ends the batch that it is at: so 15 seconds, for which its word on its checks counts, are never over.
 * Two heartbeats in between may be late.
 */
const UNHEARD_SECONDS = 12

/**
 * The one first pass that is under way. Not one that a later driver has passed over: it does something else, and nobody is to
 * be at work beside it.
 */
export async function openRow(engine: Engine): Promise<OpenRow | undefined> {
  const ofLeaf = sql`r.step = c.step and r.leaf = ${leafOf(sql`c.state`)}`
  const [found] = await engine.database.read<OpenRow>(sql`
select c.run, c.step, c.state, h.epoch is not null as driven,
    coalesce(h.beat_at < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => ${lit(UNHEARD_SECONDS)}), true) as unheard,
    exists (select from bellows.backfill_range r where ${ofLeaf} and r.next_rung < r.rungs)
      or coalesce((select r.to_block from bellows.backfill_range r where ${ofLeaf} order by r.from_block desc, r.from_line desc limit 1), 0) < (c.state #>> '{file,blocks}')::bigint as "left"
  from bellows.checkpoint c join bellows.driver d on d.epoch = (c.state ->> 'epoch')::bigint left join bellows.heartbeat h on h.epoch = d.epoch
  where not c.finished and c.state ? 'byRanges' order by c.updated_at desc limit 1`)
  return found
}

export async function openPass(engine: Engine): Promise<Open | undefined> {
  const found = await openRow(engine)
  if (found === undefined) return undefined
  const [stored] = await engine.journal.runs({ id: found.run })
  const step = stored?.plan.steps.find(({ id }) => id === found.step)
  if (step?.kind !== 'backfill') return undefined
  const { run, state, driven, unheard, left } = found
  const { file, at, leaf, epoch, heldBy, brake, checks, badRows } = state
  return {
    run,
    step: leaf === undefined ? step : { ...step, table: leaf.table },
    ...(leaf === undefined ? {} : { leaf }),
    pass: { file, at, ...(leaf === undefined ? {} : { leaf }) },
    epoch,
    isDriven: driven,
    isUnheard: unheard,
    isLeft: left,
    ...(heldBy === undefined ? {} : { heldBy }),
    ...(brake === undefined ? {} : { brake }),
    ...(checks === undefined ? {} : { checks }),
    ...(badRows === undefined ? {} : { badRows }),
  }
}

export async function readFilling(engine: Engine): Promise<Filling | undefined> {
  if (!(await hasThrottle(engine))) return undefined
  const open = await openPass(engine)
  if (open === undefined) return undefined
  const { workers } = await readAtWork(engine)
  const { run, step, heldBy } = open
  return {
    run,
    step: step.id,
    table: step.table.name,
    workers,
    ...(heldBy === undefined ? {} : { heldBy }),
  }
}
