import { BellowsError } from '../core/errors.ts'
import type { Inspection } from '../core/plan/inspection.ts'
import type { InspectStep, Step } from '../core/plan/step.ts'
import type { Sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds, requireAll } from './holds.ts'

/**
 * Looks for rows that are in the way.
 * @throws BellowsError `rows_in_the_way` with some of them, or what the look requires; nothing was changed
 */
export async function inspect(
  engine: Driving,
  step: Looking,
  timeoutMs = engine.settings.scanTimeoutMs,
): Promise<void> {
  const { database } = engine
  await requireAll(engine, step)
  const offenders = await offendersNow(engine, step)
  const rows =
    step.made === undefined
      ? await database.readOnly<OffendingRow>(offenders, timeoutMs)
      : await database.readMade<OffendingRow>(offenders, timeoutMs, step.made)
  if (rows.length === 0) return
  throw new BellowsError(
    'rows_in_the_way',
    `${step.otherwise} Such as: ${rows.map((row) => JSON.stringify(row)).join(', ')}`,
    { step: step.id, hint: step.hint, facts: { rows } },
  )
}

type OffendingRow = Readonly<Record<string, unknown>>

type Looking = Inspection & Pick<InspectStep, 'id' | 'requires'>

async function offendersNow(engine: Driving, { offenders, whileHidden = [] }: Looking): Promise<Sql> {
  for (const hidden of whileHidden) if (await holds(engine, hidden.when)) return hidden.offenders
  return offenders
}

/**
 * Does what rows may refuse that came after the last look for them. They are told as that look would have.
 * @throws BellowsError `rows_in_the_way`
 */
export async function tellingRows<T>(
  engine: Driving,
  { id, refusedBy }: Pick<Step, 'id' | 'refusedBy'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isRefused = error instanceof BellowsError && OF_ROWS.has(error.sqlstate)
    if (!isRefused || refusedBy === undefined) throw error
    throw await rowsTold(engine, { id, ...refusedBy }, error)
  }
}

/** What refused the step is known, and names a key as a rule: nobody has to wait for the rows as long as a build takes. */
const EXPLAINED_MS = 60_000

/** Where the look itself fails, or takes too long, that says less than what it was to explain. */
async function rowsTold(engine: Driving, step: Looking, refused: BellowsError): Promise<BellowsError> {
  try {
    await inspect(engine, step, Math.min(EXPLAINED_MS, engine.settings.scanTimeoutMs))
  } catch (error) {
    return error instanceof BellowsError && error.code === 'rows_in_the_way' ? error : refused
  }
  const { code, message, cause, sqlstate, facts } = refused
  return new BellowsError(code, message, {
    cause,
    step: step.id,
    ...(sqlstate === undefined ? {} : { sqlstate }),
    facts,
    hint: 'There are no such rows any more. Run the same command again: it goes on with this step.',
  })
}

/** A foreign key, a unique index, a check, an exclusion. Source: appendix A of the manual. */
const OF_ROWS: ReadonlySet<string | undefined> = new Set(['23503', '23505', '23514', '23P01'])
