import { BellowsError } from '../../core/errors.ts'
import type { BackfillStep } from '../../core/plan/step.ts'
import { blockRanges, inRange, type Pass, type Range, rowsOfAll, START } from '../../core/run/ranges.ts'
import { lit, qualified, type Sql, sql } from '../../core/sql.ts'
import type { Driving } from '../context.ts'
import { withinDeadlocks } from '../give-way.ts'
import { note } from '../note.ts'
import { refuseWithoutRoom } from '../room.ts'
import type { BadRows, BrakeSettings } from '../settings.ts'
import { type Batch, batchOf, fillTransaction } from './batch.ts'
import { type Marked, markSql, resumed } from './checkpoint.ts'
import { climb } from './climb.ts'
import { askedWorkers } from './crew.ts'
import { estimateSteps } from './estimate.ts'
import { explainFailure } from './failing-row.ts'
import { fileOf, isRewritten } from './file.ts'
import { eachPart, isOf, type Part } from './leaves.ts'
import { beginAnewSql, forgetPartSql, placesOf, unfilledBeside } from './quarantine.ts'
import { closeSql, rowsOfRanges } from './range-rows.ts'
import { standsOn, tryAgain } from './settle.ts'
import { leavingWord } from './word.ts'
import { teller, workThrough } from './work-through.ts'

/** Where a backfill stands. */
interface State extends Pass {
  readonly passNumber: number
  /** Where in the pass it stands say the ranges in the journal. */
  readonly byRanges?: true
  /** Of the driver that has it done so: others may help as long as nobody else has become the driver. */
  readonly epoch?: number
  /** The limits of its brake. Its own checks it alone can ask: see `readBrake`. */
  readonly brake?: BrakeSettings
  /** Its own checks, by name. */
  readonly checks?: readonly string[]
  /** What it does with a row that cannot be filled. */
  readonly badRows?: BadRows
  /** Who kept the ladder from bringing anything when the last ranges were made. */
  readonly heldBy?: string
  /** Nothing is left to do here: no row is to be tried a second time. */
  readonly isDone?: true
  /** Rows that this pass has set so far. */
  readonly found: number
}

/**
 * Fills the new column, pass by pass, until a whole pass finds no unfilled row. The last batch that comes out short proves
 * nothing; filled rows cannot become unfilled, so a pass without any does. Where a value may be NULL, one pass must do: every row
 * that is written meanwhile has been through the trigger.
 * @returns the rows that the step set over all its attempts
 * @throws BellowsError `rows_quarantined` when all rows are filled but those that were left out
 */
export async function fill(given: Driving, run: number, step: BackfillStep): Promise<number> {
  const engine = await withinDeadlocks(given)
  const tell = teller(engine, step.id, leavingWord(engine, step.id))
  if (resumed(await engine.journal.checkpoint(step.id)) === undefined) await foretell(engine, step)
  // What was corrected meanwhile makes room for others.
  else await tryAgain(engine, run, step)
  for (;;) {
    await eachPart(engine, step, (part, before) =>
      fillPart(engine, { run, tell, ...part }, isOf(part, before) ? (before as State) : undefined),
    )
    const left = await tryAgain(engine, run, step)
    if (left.some(({ isMoved }) => isMoved)) await note(engine, run, [], beginAnewSql(step))
    else if (left.length > 0) throw standsOn(step, left)
    else return (await engine.journal.checkpoint(step.id))?.rowsDone ?? 0
  }
}

/** So much on the disk is worth a word. */
const TOLD_BYTES = 64 * 2 ** 20

/**
 * Says before the first row what it will take, while it can still be stopped for nothing.
 * @throws BellowsError `no_room` where that is more than there is, be it since the run was begun
 */
async function foretell(engine: Driving, step: BackfillStep): Promise<void> {
  const [needs] = await estimateSteps(engine, [step])
  if (needs !== undefined && needs.logBytes + needs.growthBytes >= TOLD_BYTES)
    engine.notify({ type: 'estimated', ...needs })
  if (needs !== undefined) await refuseWithoutRoom(engine, [step], [needs])
}

async function fillPart(engine: Driving, work: Work, before: State | undefined): Promise<void> {
  const { passesMax } = engine.settings.batch
  const { step } = work
  if (before?.isDone === true) return
  let state = before ?? (await begun(engine, work))
  while (state.passNumber <= passesMax) {
    const end =
      state.byRanges === true ? await together(engine, work, state) : await onePass(engine, work, state)
    if (end !== undefined && (end.found === 0 || step.once === true)) return
    state = end === undefined ? await begun(engine, work) : await passOf(engine, work, end.passNumber + 1)
  }
  throw new BellowsError(
    'backfill_failed',
    `Rows of "${step.table.name}" were still unfilled after ${passesMax} passes: something writes past the dual write.`,
    {
      step: step.id,
      hint: 'Look for sessions that switch triggers off: ALTER TABLE ... DISABLE TRIGGER, or a trigger that sorts behind ours.',
    },
  )
}

async function passOf(
  engine: Driving,
  { step, leaf }: Part<BackfillStep>,
  passNumber: number,
): Promise<State> {
  const file = await fileOf(engine, step)
  return {
    passNumber,
    found: 0,
    at: START,
    file,
    ...(leaf === undefined ? {} : { leaf }),
    ...(step.once === true ? { once: true } : {}),
  }
}

/** The first pass, on record before anybody works on it: its file is what all workers go by. */
async function begun(engine: Driving, work: Work): Promise<State> {
  const state = { ...(await passOf(engine, work, 1)), byRanges: true as const }
  await closed(engine, work, state, [forgetPartSql(work)])
  return state
}

/** The first pass, which several may do together. Nothing when the table was rewritten under way. */
async function together(engine: Driving, work: Work, state: State): Promise<State | undefined> {
  await note(engine, work.run, [], [takeUpSql(engine, work)])
  const wanted = async () => askedWorkers(engine)
  const found = await climb(engine, { ...work, pass: state, wanted })
  const {
    byRanges: _ranges,
    epoch: _epoch,
    brake: _brake,
    checks: _checks,
    badRows: _rows,
    heldBy: _heldBy,
    ...pass
  } = state
  const isDone = found !== undefined && work.step.once === true ? { isDone: true as const } : {}
  await closed(engine, work, { ...pass, passNumber: 2, ...isDone })
  return found === undefined ? undefined : { ...pass, found }
}

/** Whoever helps learns from it for whom, by which limits, and what to do with a row that cannot be filled. */
function takeUpSql({ driver, settings }: Driving, { run, step, leaf }: Work): Sql {
  const { onBadRow, quarantineMax } = settings.batch
  const limits = { ...settings.brake, checks: [] }
  const more = lit(
    JSON.stringify({
      epoch: driver.epoch,
      brake: limits,
      checks: settings.brake.checks.map(({ name }) => name),
      badRows: { onBadRow, quarantineMax },
      // By the name that it has now.
      ...(leaf === undefined ? {} : { leaf }),
    }),
  )
  return sql`update bellows.checkpoint set state = state || ${more}::jsonb where step = ${lit(step.id)} and run = ${lit(run)}`
}

/** Puts away all ranges of the step. What they have brought stays counted, also where the pass is begun anew or their partition has left. */
async function closed(engine: Driving, work: Work, state: State, more: readonly Sql[] = []): Promise<void> {
  const { step } = work
  await note(engine, work.run, [], [stateSql(work, state, rowsOfRanges(step.id)), closeSql(step.id), ...more])
}

function stateSql({ run, step }: Work, state: State, rowsDone: Sql): Sql {
  return markSql({
    run,
    step: step.id,
    state: sql`${lit(JSON.stringify(state))}::jsonb`,
    rowsDone,
    rowsTotal: rowsOfAll(state),
    condition: sql`true`,
  })
}

interface Work extends Part<BackfillStep> {
  readonly run: number
  readonly tell: ReturnType<typeof teller>
}

/** A later pass, which expects to find nothing. The state at its end, or nothing when the table was rewritten under way. */
async function onePass(engine: Driving, given: Work, start: State): Promise<State | undefined> {
  const { verifyRows } = engine.settings.batch
  const left = await placesOf(engine, given)
  if (left.some(({ filenode }) => filenode !== start.file.filenode)) return undefined
  const unfilled = unfilledBeside(
    given.step.unfilled,
    left.map(({ place }) => place),
  )
  const work = { ...given, step: { ...given.step, unfilled } }
  let state = start
  const whole = await workThrough(engine, start, {
    step: work.step,
    tell: work.tell,
    strategy: blockRanges,
    // Reading costs little and holds no row. Where much is found after all, a batch that takes too long is halved.
    rows: verifyRows,
    explain: (range, error) =>
      explainFailure(engine, work.step, { range, linesPerBlock: start.file.linesPerBlock }, error),
    batch: async (range, after) => {
      const { batch, found } = await oneBatch(engine, work, range, { ...state, ...after })
      state = { ...state, ...after, found: state.found + found }
      return batch
    },
  })
  return whole ? state : undefined
}

async function oneBatch(
  engine: Driving,
  work: Work,
  range: Range,
  after: State,
): Promise<{ batch: Batch; found: number }> {
  const { result } = await fillTransaction(engine, work.run, batchSql(work, range, after))
  const { found, mark } = result as { found: number; mark: Marked }
  return { batch: batchOf(mark), found }
}

/** One statement: the rows and the checkpoint of the batch, or neither. The value is computed by the UPDATE itself. */
function batchSql({ run, step }: Work, range: Range, after: State): Sql {
  const stands = sql`not ${isRewritten(step.table, after.file)}`
  const mark = markSql({
    run,
    step: step.id,
    state: sql`pg_catalog.jsonb_set(${lit(JSON.stringify(after))}::jsonb, '{found}', pg_catalog.to_jsonb(${lit(after.found)} + (select found from counted)))`,
    rowsDone: sql`(select found from counted)`,
    rowsTotal: rowsOfAll(after),
    condition: stands,
  })
  return sql`
with filled as (
  update ${qualified(step.table)} set ${step.set}
    where ${inRange(range)} and ${step.unfilled} and ${stands}
    returning 1),
counted as (select count(*) as found from filled),
mark as (${mark})
select pg_catalog.json_build_object('found', (select found from counted), 'mark', (select pg_catalog.to_json(mark) from mark)) as result`
}
