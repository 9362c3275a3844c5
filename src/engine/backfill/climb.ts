import { USUAL_SEARCH_PATH } from '../../core/plan/search-path.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { type RangeRow, rangesOver, rungsFor } from '../../core/run/ladder.ts'
import { firstPace, type Pace, paced, slowed } from '../../core/run/pace.ts'
import {
  halves,
  type Pass,
  type Position,
  type Range,
  rowsOfAll,
  START,
  share,
} from '../../core/run/ranges.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'
import type { Lane } from '../ports.ts'
import { stopIfAsked } from '../stop.ts'
import { attempted } from './attempts.ts'
import { batchTransaction } from './batch.ts'
import { explainFailure } from './failing-row.ts'
import type { Part } from './leaves.ts'
import {
  type Climbed,
  climbed,
  frontier,
  nextRange,
  openSql,
  type RungDone,
  rungSql,
  splitSql,
} from './range-rows.ts'
import type { teller } from './work-through.ts'

/** A first pass over a table or a partition. */
export interface Climb extends Part<BackfillStep> {
  readonly run: number
  readonly pass: Pass
  readonly tell: ReturnType<typeof teller>
}

/** What the workers have in common. */
interface Shared {
  readonly rungs: number
  pace: Pace
  /** Ranges in front of it are done. */
  low: Position
  /** Ranges that one of them is at work on. */
  readonly busy: Set<Range>
  /** Has one of them failed, or found that the table was rewritten, or that nothing is left? The others end behind their batch. */
  isOver: boolean
  done: Climbed
}

/**
 * Goes through all of the file as it was when the pass began. Workers take ranges from the same table of the journal; there is no other
 * agreement between them.
 * @returns the rows that the pass has set, by whomever, or nothing when the table was rewritten under way
 */
export async function climb(engine: Driving, work: Climb): Promise<number | undefined> {
  const { rows, targetMs } = engine.settings.batch
  const shared: Shared = {
    rungs: rungsFor(work.pass.file, work.step.once === true),
    pace: firstPace(rows, targetMs),
    low: START,
    busy: new Set(),
    isOver: false,
    done: await climbed(engine, work),
  }
  const lanes = await lanesOf(engine, shared.rungs === 1 ? 1 : engine.settings.batch.workers)
  try {
    const ends = await Promise.allSettled(
      lanes.map((lane) => workOn(engine, { ...work, lane, shared }).finally(() => (shared.isOver = true))),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return ends.every((end) => end.status === 'fulfilled' && end.value) ? shared.done.rows : undefined
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
}

/** The first one is the connection of the driver itself. A table that is small is done before others would be there. */
async function lanesOf(engine: Driving, workers: number): Promise<readonly Lane[]> {
  const own: Lane = {
    transact: (transaction) => engine.driver.transact(transaction),
    close: async () => undefined,
  }
  const further = await Promise.allSettled(Array.from({ length: workers - 1 }, () => engine.driver.lane()))
  const opened = further.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = further.find((one) => one.status === 'rejected')
  if (failed === undefined) return [own, ...opened]
  await Promise.all(opened.map((lane) => lane.close()))
  throw failed.reason
}

interface Worker extends Climb {
  readonly lane: Lane
  readonly shared: Shared
}

/** Takes range after range until none is left. False when the table was rewritten. */
async function workOn(engine: Driving, work: Worker): Promise<boolean> {
  const { shared } = work
  const held = new Set<Range>()
  let [isWaived, isAllOpened] = [false, false]
  while (!shared.isOver) {
    stopIfAsked(engine)
    await engine.brake?.passed()
    const besides = [...shared.busy, ...held]
    const { range, low } = await nextRange(engine, work, { low: shared.low, besides, isWaived })
    if (low !== null) shared.low = low
    if (range !== null) {
      const came = await oneRung(engine, work, range)
      if (came === 'rewritten') return false
      if (came === 'held') held.add(range)
      else {
        isWaived = false
        held.clear()
      }
      continue
    }
    // What was seen before all ranges were made says nothing of those that others have made since.
    if (low === null && isAllOpened) return true
    if (isAllOpened) {
      // Others are at work on the last ranges.
      if (isWaived) await engine.clock.sleep(OTHERS_MS)
      isWaived = true
      held.clear()
    }
    isAllOpened ||= !(await open(engine, work))
  }
  return true
}

const OTHERS_MS = 50
/** So many ranges are made at once: enough for all rungs to have one that is ripe, few enough to follow the pace. */
const OPENED_AT_ONCE = 16

/** Makes the next ranges of the file. False when it has none left. */
async function open(engine: Driving, work: Worker): Promise<boolean> {
  const { file } = work.pass
  const { rungs, pace } = work.shared
  const rest = { from: await frontier(engine, work), to: { block: file.blocks, line: 1 } }
  const ranges = rangesOver(rest, file, pace.rows, { rungs, countMax: OPENED_AT_ONCE })
  if (ranges.length === 0) return false
  await note(engine, work.run, [], openSql(work, ranges, rungs))
  return true
}

/** A range that is so many times as large as the pace by now is cut before it is tried. */
const TOO_LARGE = 4

/** `held`: somebody else has the range locked, who is at work on it. */
async function oneRung(
  engine: Driving,
  work: Worker,
  range: RangeRow,
): Promise<'done' | 'held' | 'rewritten'> {
  const { shared, pass } = work
  const pieces = rangesOver(range, pass.file, shared.pace.rows, range)
  if (pieces.length > TOO_LARGE) {
    await note(engine, work.run, [], [splitSql(work, range, pieces)])
    return 'done'
  }
  shared.busy.add(range)
  const done = await tried(engine, work, range).finally(() => shared.busy.delete(range))
  if (done === 'too slow') {
    shared.pace = slowed(shared.pace)
    await cut(engine, work, range)
    return 'done'
  }
  if (done.isRewritten) return 'rewritten'
  if (!done.isClaimed) return 'held'
  told(engine, work, range, done)
  return 'done'
}

async function tried(engine: Driving, work: Worker, range: RangeRow): Promise<RungDone | 'too slow'> {
  const { step, run, lane, pass } = work
  const { linesPerBlock } = pass.file
  const statements = [USUAL_SEARCH_PATH, rungSql(work, range, pass.file)]
  return await attempted(engine, {
    step,
    batch: async () => (await batchTransaction(engine, run, statements, lane)) as RungDone,
    canBeSmaller: halves(range, linesPerBlock) !== undefined,
    explain: (error) => explainFailure(engine, step, { range, linesPerBlock }, error),
  })
}

/** A range of which one rung took too long becomes several. */
async function cut(engine: Driving, work: Worker, range: RangeRow): Promise<void> {
  const { file } = work.pass
  const pieces = rangesOver(range, file, work.shared.pace.rows, range)
  const several = pieces.length > 1 ? pieces : halves(range, file.linesPerBlock)
  if (several !== undefined) await note(engine, work.run, [], [splitSql(work, range, several)])
}

/** The pace follows, and whoever looks is told how far all are. */
function told(
  engine: Driving,
  work: Worker,
  { from, to, rungs }: RangeRow,
  { found, ms, seconds }: RungDone,
): void {
  const { shared, pass } = work
  const { rows, rowsBefore, blocks } = shared.done
  shared.pace = paced(shared.pace, { rows: found, ms }, engine.settings.batch.statementTimeoutMs)
  shared.done = { rowsBefore, rows: rows + found, blocks: blocks + (to.block - from.block) / rungs }
  work.tell({
    rowsDone: rowsBefore + shared.done.rows,
    rowsTotal: rowsOfAll(pass),
    seconds,
    share: share({ ...pass, at: { block: shared.done.blocks, line: 1 } }),
  })
}
