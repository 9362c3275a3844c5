import { BellowsError } from '../../core/errors.ts'
import { type RangeRow, rangesOver } from '../../core/run/ladder.ts'
import { paced, slowed } from '../../core/run/pace.ts'
import { halves, lapOf, rowsIn, rowsOfAll, share } from '../../core/run/ranges.ts'
import type { Working } from '../context.ts'
import { note } from '../note.ts'
import { attempted } from './attempts.ts'
import { goOnWithout } from './bad-row.ts'
import { fillTransaction, type Took } from './batch.ts'
import { explainFailure, isOfRows } from './failing-row.ts'
import { type RungDone, rungSql, splitSql } from './range-rows.ts'
import type { Worker } from './worker.ts'

/** A range that is so many times as large as the pace by now is cut before it is tried. */
const TOO_LARGE = 4

/** Does the next rung of a range. `held`: somebody else has it locked, who is at work on it. */
export async function oneRung(
  engine: Working,
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
  const came = await tried(engine, work, range).finally(() => shared.busy.delete(range))
  if (came === 'left out') return 'done'
  if (came === 'too slow') {
    shared.pace = slowed(shared.pace)
    await cut(engine, work, range)
    return 'done'
  }
  if (came.result.isRewritten) return 'rewritten'
  if (!came.result.isClaimed) return 'held'
  told(engine, work, range, came)
  return 'done'
}

interface Came {
  readonly result: RungDone
  readonly took: Took
}

async function tried(
  engine: Working,
  work: Worker,
  range: RangeRow,
): Promise<Came | 'too slow' | 'left out'> {
  const { step, run, lane, pass } = work
  const failed = { range, linesPerBlock: pass.file.linesPerBlock }
  const rung = rungSql({ ...work, file: pass.file }, range)
  try {
    return await attempted(engine, {
      step,
      batch: async () => (await fillTransaction(engine, run, rung, lane)) as Came,
      canBeSmaller: halves(range, failed.linesPerBlock) !== undefined,
      explain: async (error) => error,
    })
  } catch (error) {
    if (!(error instanceof BellowsError) || !isOfRows(error, failed)) throw error
    if (engine.settings.batch.onBadRow === 'stop') throw await explainFailure(engine, step, failed, error)
    await goOnWithout(engine, work, range, error)
    return 'left out'
  }
}

/** A range of which one rung took too long becomes several. */
async function cut(engine: Working, work: Worker, range: RangeRow): Promise<void> {
  const { file } = work.pass
  const pieces = rangesOver(range, file, work.shared.pace.rows, range)
  const several = pieces.length > 1 ? pieces : halves(range, file.linesPerBlock)
  if (several !== undefined) await note(engine, work.run, [], [splitSql(work, range, several)])
}

/** The pace follows, and whoever looks is told how far all are. */
function told(engine: Working, work: Worker, range: RangeRow, { result, took }: Came): void {
  const { found, seconds, logBytes, blocks: now } = result
  const { shared, pass } = work
  const { from, to, rungs } = range
  const { rows, rowsBefore, blocks } = shared.done
  const size = rowsIn(range, pass.file) / rungs
  shared.pace = paced(shared.pace, { rows: size, ...took }, engine.settings.batch.statementTimeoutMs)
  shared.done = { rowsBefore, rows: rows + found, blocks: blocks + (to.block - from.block) / rungs }
  work.count?.(found)
  work.tell({
    rowsDone: rowsBefore + shared.done.rows,
    rowsTotal: rowsOfAll(pass),
    seconds,
    share: share({ ...pass, at: { block: shared.done.blocks, line: 1 } }),
    lap: lapOf(pass),
    workers: shared.workers,
    cost: {
      ...(logBytes === null ? {} : { logBytes }),
      ...(pass.file.blocks > 0 ? { growth: now / pass.file.blocks } : {}),
    },
  })
}
