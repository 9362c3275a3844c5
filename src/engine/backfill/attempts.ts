import { BellowsError } from '../../core/errors.ts'
import type { TableStep } from '../../core/plan/step.ts'
import type { Working } from '../context.ts'
import { described } from '../lock.ts'
import { stopIfAsked } from '../stop.ts'
import { tookTooLong } from './batch.ts'
import { lostRace } from './failing-row.ts'

export interface Attempt<T> {
  readonly step: TableStep
  /** A transaction that may be tried again. */
  readonly batch: () => Promise<T>
  /** Can it be done in smaller parts? */
  readonly canBeSmaller: boolean
  /** What is to be said of a failure that trying again does not mend. */
  readonly explain: (error: BellowsError) => Promise<unknown>
}

/** A batch that loses a lock or a deadlock is tried again; the application always wins. */
export async function attempted<T>(
  engine: Working,
  { step, batch, canBeSmaller, explain }: Attempt<T>,
): Promise<T | 'too slow'> {
  const { attemptsMax } = engine.settings.batch
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await batch()
    } catch (error) {
      if (!(error instanceof BellowsError)) throw error
      const isTooSlow = tookTooLong(error)
      if (isTooSlow && canBeSmaller) return 'too slow'
      if (!lostRace(error) && !isTooSlow) throw await explain(error)
      if (attempt >= attemptsMax) throw isTooSlow ? await explain(error) : await rowsHeld(engine, step, error)
      stopIfAsked(engine)
      engine.notify({ type: 'waiting_for_lock', step: step.id, blockers: [] })
      await engine.clock.sleep(
        2 ** Math.min(attempt, MAX_DOUBLINGS) * FIRST_PAUSE_MS * (0.5 + engine.clock.random()),
      )
      // All attempts together take long, and each is a batch.
      await engine.brake?.passed(engine)
    }
  }
}

/** Whoever writes or locks rows of the table and does not end holds rows that the batch needs. */
async function rowsHeld(engine: Working, step: TableStep, cause: BellowsError): Promise<BellowsError> {
  const writers = await engine.database.blockers([{ relation: step.table, level: 'exclusive' }])
  return new BellowsError(
    cause.code,
    `Rows of "${step.table.name}" are held by somebody else for too long; what was done stays done.`,
    {
      step: step.id,
      cause,
      hint:
        writers.length === 0
          ? 'Run the same command again: it goes on from there.'
          : `They have rows of the table locked: ${writers.map(described).join('; ')}. Run the same command again when they have ended.`,
      facts: { blockers: writers },
    },
  )
}

const FIRST_PAUSE_MS = 10
const MAX_DOUBLINGS = 8
