import { isSmall, rungsFor } from '../../core/run/ladder.ts'
import { firstPace } from '../../core/run/pace.ts'
import { type Range, START } from '../../core/run/ranges.ts'
import type { Working } from '../context.ts'
import { stopIfAsked } from '../stop.ts'
import { lookingAtWork } from './at-work.ts'
import { ownLane, workTogether } from './crew.ts'
import { openRanges } from './open.ts'
import { climbed, nextRange } from './range-rows.ts'
import { oneRung } from './rung.ts'
import type { Climb, Shared, Worker } from './worker.ts'

/**
 * Goes through all of the file as it was when the pass began. Workers take ranges from the same table of the journal; there is no other
 * agreement between them.
 * @returns the rows that the pass has set, by whomever, or nothing when the table was rewritten under way
 */
export async function climb(engine: Working, work: Climb): Promise<number | undefined> {
  const shared: Shared = {
    rungs: rungsFor(work.pass.file, work.step.once === true),
    pace: firstPace(engine.settings.batch, work.pass.file),
    low: START,
    busy: new Set(),
    isRewritten: false,
    looks: [],
    done: await climbed(engine, work),
    told: new Set(),
  }
  const look = lookingAtWork(engine, shared)
  let asked = 1
  await workTogether(engine, {
    own: ownLane(engine),
    wanted: async () => {
      // All ranges are read for it.
      if (asked % HEARD_EVERY === 0) await hearOfOthers(engine, work, shared)
      asked += 1
      await look()
      // A table that is small is done before others would be there.
      return Math.min(isSmall(work.pass.file) ? 1 : Number.POSITIVE_INFINITY, await work.wanted())
    },
    work: (working, lane, mayStay) => workOn(working, { ...work, lane, shared }, mayStay),
  })
  // Others may have set rows that nobody here has heard of.
  return shared.isRewritten ? undefined : (await climbed(engine, work)).rows
}

/** Of the looks whether enough are at work. */
const HEARD_EVERY = 5

async function hearOfOthers(engine: Working, work: Climb, shared: Shared): Promise<void> {
  const { rows, rowsBefore, blocks } = await climbed(engine, work)
  const { done } = shared
  shared.done = { rowsBefore, rows: Math.max(rows, done.rows), blocks: Math.max(blocks, done.blocks) }
}

/** Takes range after range. True when none is left, or the table was rewritten. */
async function workOn(engine: Working, work: Worker, mayStay: () => boolean): Promise<boolean> {
  const { shared } = work
  const held = new Set<Range>()
  let [isWaived, isAllOpened] = [false, false]
  while (mayStay()) {
    stopIfAsked(engine)
    await engine.brake?.passed(engine)
    const besides = [...shared.busy, ...held]
    const { range, low } = await nextRange(engine, work, { low: shared.low, besides, isWaived })
    if (low !== null) shared.low = low
    if (range !== null) {
      const came = await oneRung(engine, work, range)
      if (came === 'rewritten') {
        shared.isRewritten = true
        return true
      }
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
      continue
    }
    const opened = await openRanges(engine, work)
    isAllOpened = opened === 'all'
    if (opened === 'by others') await engine.clock.sleep(OTHERS_MS)
  }
  return false
}

const OTHERS_MS = 50
