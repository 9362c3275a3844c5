import { assert } from '../../core/errors.ts'
import type { VerifyStep } from '../../core/plan/step.ts'
import { type Compared, NOTHING_FOUND, summed, withFound } from '../../core/run/compared.ts'
import type { Verdict } from '../../core/run/event.ts'
import { isSmall } from '../../core/run/ladder.ts'
import { wasQuick } from '../../core/run/pace.ts'
import {
  blockRanges,
  halves,
  isBefore,
  isThroughFile,
  type Pass,
  type Position,
  type Range,
  rowsOfAll,
  share,
} from '../../core/run/ranges.ts'
import { lit, type Sql, sql } from '../../core/sql.ts'
import type { Driving, Working } from '../context.ts'
import type { Lane } from '../ports.ts'
import { stopIfAsked } from '../stop.ts'
import { lookingAtWork } from './at-work.ts'
import { attempted } from './attempts.ts'
import { batchOf, batchTransaction } from './batch.ts'
import { type Marked, markSql } from './checkpoint.ts'
import { askedWorkers, ownLane, workTogether } from './crew.ts'
import { isRewritten } from './file.ts'
import { foundSql } from './found.ts'
import type { Part } from './leaves.ts'
import type { teller } from './work-through.ts'

export interface Comparison extends Part<VerifyStep> {
  readonly run: number
  readonly tell: ReturnType<typeof teller>
}

/** Where a comparison stands, and what it found up to there. */
export interface ComparisonState extends Pass {
  readonly verdict: Verdict
  /** Of a partition: what was found in those before it. */
  readonly ahead?: Verdict
}

/** What those who compare one file side by side have in common. */
interface Shared {
  /** What is on record. It comes behind all that was found up to there. */
  recorded: ComparisonState
  found: Compared
  /** Ranges before it are taken. */
  next: Position
  /** Taken, and not done by those who took them. */
  readonly left: Range[]
  /** Chunks that somebody is at. */
  out: number
  /** Of a chunk. */
  rows: number
  isRewritten: boolean
  /** How many are at it, once they were counted. */
  workers?: number
  /** One at a time writes down how far it is. */
  recording: Promise<void>
}

interface Member extends Comparison {
  readonly lane: Lane
  readonly shared: Shared
}

/**
 * Compares all rows of a file from where it stands, in chunks that several read side by side.
 * @returns nothing when the table was rewritten under way
 */
export async function compare(
  engine: Driving,
  work: Comparison,
  start: ComparisonState,
): Promise<ComparisonState | undefined> {
  if (isThroughFile(start)) return start
  const shared: Shared = {
    recorded: start,
    found: { at: start.at, verdict: start.verdict, ahead: [] },
    next: start.at,
    left: [],
    out: 0,
    rows: engine.settings.batch.verifyRows,
    isRewritten: false,
    recording: Promise.resolve(),
  }
  const look = lookingAtWork(engine, shared)
  await workTogether(engine, {
    own: ownLane(engine),
    wanted: async () => {
      await look()
      return isSmall(start.file) ? 1 : askedWorkers(engine)
    },
    work: (working, lane, mayStay) => takeChunks(working, { ...work, lane, shared }, mayStay),
  })
  if (shared.isRewritten) return undefined
  assert(isThroughFile(shared.recorded), 'a comparison ends at the end of its file')
  return shared.recorded
}

const OTHERS_MS = 50
/** So many chunks may wait for one in front of them that takes longer: what is not on record is lost with the process. */
const AHEAD_MAX = 8

/** Takes chunk after chunk. True when all is on record, or the table was rewritten. */
async function takeChunks(engine: Working, member: Member, mayStay: () => boolean): Promise<boolean> {
  const { shared } = member
  while (mayStay()) {
    stopIfAsked(engine)
    await engine.brake?.passed(engine)
    if (shared.isRewritten) return true
    const range = taken(shared)
    if (range !== undefined) await oneChunk(engine, member, range)
    // Others are at the last ones, or at the one that all wait for, and may leave it to us.
    else if (shared.out > 0) {
      await engine.clock.sleep(OTHERS_MS)
      continue
    }
    await inTurn(shared, () => record(engine, member))
    if (range === undefined) return true
  }
  return false
}

/** One after the other, whether or not the one before could. */
async function inTurn(shared: Shared, work: () => Promise<void>): Promise<void> {
  const turn = shared.recording.then(work)
  shared.recording = turn.catch(() => undefined)
  await turn
}

async function oneChunk(engine: Working, member: Member, range: Range): Promise<void> {
  const { shared } = member
  shared.out += 1
  try {
    const verdict = await foundIn(engine, member, range)
    shared.found = withFound(shared.found, { range, verdict })
  } catch (error) {
    shared.left.push(range)
    throw error
  } finally {
    shared.out -= 1
  }
}

function taken(shared: Shared): Range | undefined {
  const left = shared.left.pop()
  const pass = { ...shared.recorded, at: shared.next }
  if (left !== undefined || isThroughFile(pass) || shared.found.ahead.length >= AHEAD_MAX) return left
  const range = blockRanges(pass, shared.rows)
  shared.next = range.to
  return range
}

/** Of a chunk that takes longer than a statement may, in parts. */
async function foundIn(engine: Working, member: Member, range: Range): Promise<Verdict> {
  const { step, run, lane, shared } = member
  const { statementTimeoutMs } = engine.settings.batch
  const parts = halves(range, shared.recorded.file.linesPerBlock) ?? []
  const chunk = await attempted(engine, {
    step,
    batch: async () => (await batchTransaction(engine, run, [chunkSql(step, range)], lane)) as Chunk,
    canBeSmaller: parts.length > 0,
    explain: async (error) => error,
  })
  if (chunk === 'too slow') {
    shared.rows = Math.max(1, Math.floor(shared.rows / 2))
    let verdict = NOTHING_FOUND
    for (const part of parts) {
      stopIfAsked(engine)
      await engine.brake?.passed(engine)
      verdict = summed(verdict, await foundIn(engine, member, part))
    }
    return verdict
  }
  // One stall of the machine must not leave the rest of a large table to be done row by row.
  if (wasQuick(chunk.ms, statementTimeoutMs))
    shared.rows = Math.min(engine.settings.batch.verifyRows, shared.rows * 2)
  return chunk.verdict
}

interface Chunk {
  readonly verdict: Verdict
  readonly ms: number
}

/** Whoever sees it in pg_stat_activity sees what step it is of. */
function chunkSql(step: VerifyStep, range: Range): Sql {
  return sql`with chunk as (${foundSql(step, range)})
select pg_catalog.json_build_object('step', ${lit(step.id)}, 'verdict', pg_catalog.to_json(chunk),
    'ms', extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000) as result from chunk`
}

/** Writes down what was found in all chunks up to the first one that is not done, if that is news. */
async function record(engine: Working, { step, run, lane, shared, tell }: Member): Promise<void> {
  const { recorded, found, isRewritten: isOver } = shared
  if (isOver || !isBefore(recorded.at, found.at)) return
  const state = { ...recorded, at: found.at, verdict: found.verdict }
  const mark = markSql({
    run,
    step: step.id,
    state: sql`${lit(JSON.stringify(state))}::jsonb`,
    rowsDone: lit(found.verdict.rows - recorded.verdict.rows),
    rowsTotal: rowsOfAll(recorded),
    // Whoever rewrote it did so before what is written here, and perhaps before what was read.
    condition: sql`not ${isRewritten(step.table, recorded.file)}`,
  })
  const marked = await attempted(engine, {
    step,
    batch: async () => {
      const result = await batchTransaction(
        engine,
        run,
        [
          // What a crash of the server takes is read once more. The end of the step is on the disk, and with it all before.
          sql`set local synchronous_commit = off`,
          sql`with mark as (${mark})
select pg_catalog.json_build_object('mark', (select pg_catalog.to_json(mark) from mark)) as result`,
        ],
        lane,
      )
      return (result as { readonly mark: Marked }).mark
    },
    canBeSmaller: false,
    explain: async (error) => error,
  })
  if (marked === 'too slow') return
  const batch = batchOf(marked)
  if (batch.rewritten) shared.isRewritten = true
  else {
    shared.recorded = state
    tell({ ...batch, share: share(state), workers: shared.workers })
  }
}
