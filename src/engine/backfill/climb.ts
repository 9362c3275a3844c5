import { USUAL_SEARCH_PATH } from '../../core/plan/search-path.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { type RangeRow, rangesFrom, rungsFor } from '../../core/run/ladder.ts'
import { firstPace, type Pace, paced, slowed } from '../../core/run/pace.ts'
import { halves, type Pass, type Range, rowsOfAll, share } from '../../core/run/ranges.ts'
import type { Sql } from '../../core/sql.ts'
import type { Driving } from '../context.ts'
import type { Committed, Lane } from '../ports.ts'
import { stopIfAsked } from '../stop.ts'
import { attempted } from './attempts.ts'
import { explainFailure } from './failing-row.ts'
import type { Part } from './leaves.ts'
import { climbed, frontier, nextRange, openSql, type RungDone, rungSql, splitSql } from './range-rows.ts'
import type { teller } from './work-through.ts'

/** A first pass over a table or a partition. */
export interface Climb extends Part<BackfillStep> {
  readonly run: number
  readonly pass: Pass
  readonly tell: ReturnType<typeof teller>
}

/** What the workers of this process have in common. */
interface Shared {
  pace: Pace
  /** Ranges that one of them is at work on. */
  readonly busy: Set<Range>
  /** Has one of them failed, or found that the table was rewritten? The others end behind their batch. */
  over: boolean
  /** The time of the last look at how far all are, in milliseconds of batches. */
  sinceTold: number
}

/**
 * Goes through all of the file as it was when the pass began. Workers, also those of other processes, take ranges from the same table
 * of the journal; there is no other agreement between them.
 * @returns false when the table was rewritten under way
 */
export async function climb(engine: Driving, work: Climb): Promise<boolean> {
  const { rows, targetMs } = engine.settings.batch
  const shared: Shared = {
    pace: firstPace(rows, targetMs),
    busy: new Set(),
    over: false,
    sinceTold: 0,
  }
  const lanes = await lanesOf(engine)
  try {
    const ends = await Promise.allSettled(
      lanes.map(async (lane) => {
        try {
          return await workOn(engine, work, lane, shared)
        } finally {
          shared.over = true
        }
      }),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    await told(engine, work)
    return ends.every((end) => end.status === 'fulfilled' && end.value)
  } finally {
    await Promise.all(lanes.slice(1).map((lane) => lane.close()))
  }
}

/** The first one is the connection of the driver itself. */
async function lanesOf(engine: Driving): Promise<readonly Lane[]> {
  const further = Array.from({ length: engine.settings.batch.workers - 1 }, () => engine.driver.lane())
  const own: Lane = {
    transact: (transaction) => engine.driver.transact(transaction),
    close: async () => undefined,
  }
  return [own, ...(await Promise.all(further))]
}

/** Takes range after range until none is left. False when the table was rewritten. */
async function workOn(engine: Driving, work: Climb, lane: Lane, shared: Shared): Promise<boolean> {
  let isWaived = false
  while (!shared.over) {
    stopIfAsked(engine)
    const range = await nextRange(engine, work, { besides: [...shared.busy], isWaived })
    if (range !== undefined) {
      shared.busy.add(range)
      const stands = await oneRung(engine, { ...work, lane, shared }, range).finally(() =>
        shared.busy.delete(range),
      )
      if (!stands) return false
      isWaived = false
    } else if (await open(engine, work, lane, shared.pace)) {
      isWaived = false
    } else if (!isWaived) {
      isWaived = true
    } else if ((await climbed(engine, work)).left === 0) {
      return true
    } else {
      // Others are at work on the last ranges.
      await engine.clock.sleep(OTHERS_MS)
    }
  }
  return true
}

const OTHERS_MS = 50
/** So many ranges are made at once: enough for all rungs to have one that is ripe, few enough to follow the pace. */
const OPENED_AT_ONCE = 16

/** Makes the next ranges of the file. False when it has none left. */
async function open(engine: Driving, work: Climb, lane: Lane, { rows }: Pace): Promise<boolean> {
  const rungs = rungsFor(work.pass.file, work.step.once === true)
  const pass = { ...work.pass, at: await frontier(engine, work) }
  const ranges = rangesFrom(pass, rows, { rungs, count: OPENED_AT_ONCE })
  if (ranges.length === 0) return false
  await transact(engine, work, lane, openSql(work, ranges, rungs))
  return true
}

interface Rung extends Climb {
  readonly lane: Lane
  readonly shared: Shared
}

/** False when the table was rewritten. */
async function oneRung(engine: Driving, work: Rung, range: RangeRow): Promise<boolean> {
  const { step, lane, shared, pass } = work
  const { linesPerBlock } = pass.file
  const both = halves(range, linesPerBlock)
  const statements = [USUAL_SEARCH_PATH, rungSql(work, range, pass.file)]
  const done = await attempted(engine, {
    step,
    batch: async () => (await transact(engine, work, lane, statements)).result as RungDone,
    canBeSmaller: both !== undefined,
    explain: (error) => explainFailure(engine, step, { range, linesPerBlock }, error),
  })
  if (done === 'too slow') {
    shared.pace = slowed(shared.pace)
    if (both !== undefined) await transact(engine, work, lane, [splitSql(work, range, both)])
    return true
  }
  if (done.isClaimed) {
    shared.pace = paced(
      shared.pace,
      { rows: done.found, ms: done.ms },
      engine.settings.batch.statementTimeoutMs,
    )
    await tellNowAndThen(engine, work, done.ms)
  }
  return !done.isRewritten
}

async function transact(
  engine: Driving,
  { run }: Climb,
  lane: Lane,
  statements: readonly Sql[],
): Promise<Committed> {
  const { lockTimeoutMs, statementTimeoutMs } = engine.settings.batch
  const bounds = { run, locks: [], lockTimeoutMs, statementTimeoutMs, requires: [] }
  return await lane.transact({ ...bounds, statements, events: [] })
}

/** To look at all ranges costs more the more there are. */
const TOLD_EVERY_MS = 200

async function tellNowAndThen(engine: Driving, work: Rung, ms: number): Promise<void> {
  const { shared } = work
  shared.sinceTold += ms
  if (shared.sinceTold < TOLD_EVERY_MS) return
  shared.sinceTold = 0
  await told(engine, work)
}

async function told(engine: Driving, work: Climb): Promise<void> {
  const { rows, rowsBefore, blocks, seconds } = await climbed(engine, work)
  work.tell({
    rowsDone: rowsBefore + rows,
    rowsTotal: rowsOfAll(work.pass),
    seconds,
    share: share({ ...work.pass, at: { block: blocks, line: 1 } }),
  })
}
