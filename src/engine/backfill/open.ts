import { heldBack } from '../../core/run/horizon-holders.ts'
import { rangesOver } from '../../core/run/ladder.ts'
import type { Working } from '../context.ts'
import { note } from '../note.ts'
import { horizon } from './horizon.ts'
import { frontier, openSql } from './range-rows.ts'
import type { Worker } from './worker.ts'

/** So many ranges are made at once: enough for all rungs to have one that is ripe, few enough to follow the pace. */
const OPENED_AT_ONCE = 16

/**
 * Makes the next ranges of the file, each for a ladder, or to be gone through in one go where nothing would be pruned between two rungs.
 * `by others`: somebody else was first, or the pass is over. `all`: the file has no more.
 */
export async function openRanges(engine: Working, work: Worker): Promise<'opened' | 'by others' | 'all'> {
  const { file } = work.pass
  const heldBy = await heldNow(engine, work)
  const rungs = heldBy === undefined ? work.shared.rungs : 1
  const rest = { from: await frontier(engine, work), to: { block: file.blocks, line: 1 } }
  const [first, ...more] = rangesOver(rest, file, work.shared.pace.rows, { rungs, countMax: OPENED_AT_ONCE })
  if (first === undefined) return 'all'
  const opening = { ranges: [first, ...more] as const, rungs, ...(heldBy === undefined ? {} : { heldBy }) }
  const isOpened = await note(engine, work.run, [], openSql({ ...work, file }, opening))
  return isOpened === true ? 'opened' : 'by others'
}

/** One for each opening: with many workers several a second, which must reach back for as long as somebody may hold it. */
const LOOKS_KEPT = 100

/** Who holds the horizon back, and says so where it has not been said. */
async function heldNow(engine: Working, { step, shared }: Worker): Promise<string | undefined> {
  if (shared.rungs === 1) return undefined
  const look = await horizon(engine, shared.looks)
  shared.looks = [...shared.looks, look].slice(-LOOKS_KEPT)
  const { heldBy } = look
  if (heldBy === null) return undefined
  if (!shared.told.has(heldBy)) {
    shared.told.add(heldBy)
    engine.notify({ type: 'plain_ranges', step: step.id, because: heldBack(heldBy) })
  }
  return heldBy
}
