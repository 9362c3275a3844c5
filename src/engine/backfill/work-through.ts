import type { BellowsError } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import type { Progress } from '../../core/run/event.ts'
import { type Meter, metered, progressOf, type Sample } from '../../core/run/meter.ts'
import { wasQuick } from '../../core/run/pace.ts'
import { isThroughFile, lapOf, type Pass, type Range, type Strategy, share } from '../../core/run/ranges.ts'
import type { Driving, Engine } from '../context.ts'
import { stopIfAsked } from '../stop.ts'
import { attempted } from './attempts.ts'
import type { Batch } from './batch.ts'

export interface Way {
  readonly step: TableStep
  readonly strategy: Strategy
  readonly rows: number
  /** Does the rows of a range and stores where to go on, in one transaction. */
  readonly batch: (range: Range, after: Pass) => Promise<Batch>
  /** What is to be said of a failure at this range that trying again does not mend. */
  readonly explain: (range: Range, error: BellowsError) => Promise<unknown>
  /** Tells how far it is, over all passes of one attempt. */
  readonly tell: (sample: Sample) => void
}

/** Turns samples of one attempt at a step into progress, for whoever looks on here, and for others who are to be told. */
export function teller(
  engine: Engine,
  step: string,
  tellOthers: (progress: Progress) => void = () => undefined,
): (sample: Sample) => void {
  let meter: Meter | undefined
  return (sample) => {
    meter = metered(meter, { ...sample, asked: engine.brake?.asked(), pauses: engine.brake?.pauses() ?? 0 })
    const progress = progressOf(step, meter, sample)
    engine.notify(progress)
    tellOthers(progress)
  }
}

/** Goes through a table's file, batch by batch. False when the table was rewritten under way. */
export async function workThrough(engine: Driving, start: Pass, way: Way): Promise<boolean> {
  // Of `start` only what makes a pass: what a caller keeps beside it must not come back in `after` and undo what was added.
  const { file, at, leaf, passNumber = 1 } = start
  let pass: Pass = { file, at, passNumber, ...(leaf === undefined ? {} : { leaf }) }
  let rows = way.rows
  let before = 0
  while (!isThroughFile(pass)) {
    stopIfAsked(engine)
    await engine.brake?.passed(engine)
    const range = way.strategy(pass, rows)
    const after = { ...pass, at: range.to }
    const batch = await attempted(engine, {
      step: way.step,
      batch: () => way.batch(range, after),
      canBeSmaller: rows > 0,
      explain: (error) => way.explain(range, error),
    })
    if (batch === 'too slow') {
      // None is a single line, also of a block that has but one row.
      rows = Math.floor(rows / 2)
      continue
    }
    if (batch.rewritten) return false
    pass = after
    way.tell({ ...batch, share: share(pass), lap: lapOf(pass) })
    const ms = (batch.seconds - before) * 1_000
    // One stall of the machine must not leave the rest of a large table to be done row by row.
    if (wasQuick(ms, engine.settings.batch.statementTimeoutMs))
      rows = Math.min(way.rows, Math.max(1, rows * 2))
    before = batch.seconds
  }
  return true
}
