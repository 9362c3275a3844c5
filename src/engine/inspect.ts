import { BellowsError } from '../core/errors.ts'
import type { Inspection } from '../core/plan/inspection.ts'
import type { InspectStep, TransactionStep } from '../core/plan/step.ts'
import type { Sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds, requireAll } from './holds.ts'

/**
 * Looks for rows that are in the way.
 * @throws BellowsError `rows_in_the_way` with some of them, or what the look requires; nothing was changed
 */
export async function inspect(engine: Driving, step: Looking): Promise<void> {
  const { database, settings } = engine
  await requireAll(engine, step)
  const rows = await database.readOnly<Readonly<Record<string, unknown>>>(
    await offendersNow(engine, step),
    settings.scanTimeoutMs,
  )
  if (rows.length === 0) return
  throw new BellowsError(
    'rows_in_the_way',
    `${step.otherwise} Such as: ${rows.map((row) => JSON.stringify(row)).join(', ')}`,
    { step: step.id, hint: step.hint, facts: { rows } },
  )
}

type Looking = Inspection & Pick<InspectStep, 'id' | 'requires'>

async function offendersNow(engine: Driving, { offenders, whileHidden = [] }: Looking): Promise<Sql> {
  for (const hidden of whileHidden) if (await holds(engine, hidden.when)) return hidden.offenders
  return offenders
}

/**
 * Does what rows may refuse that came after the last look for them. Then nothing was changed, and they are told as that look would have.
 * @throws BellowsError `rows_in_the_way`
 */
export async function tellingRows<T>(
  engine: Driving,
  { id, refusedBy }: TransactionStep,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isRefused = error instanceof BellowsError && error.sqlstate === EXCLUSION_VIOLATION
    const told =
      isRefused && refusedBy !== undefined ? await rowsTold(engine, { id, ...refusedBy }) : undefined
    throw told ?? error
  }
}

/** Nothing where there are none any more, or the look itself fails: that says less than what it was to explain. */
async function rowsTold(engine: Driving, step: Looking): Promise<BellowsError | undefined> {
  try {
    await inspect(engine, step)
  } catch (error) {
    if (error instanceof BellowsError && error.code === 'rows_in_the_way') return error
  }
  return undefined
}

const EXCLUSION_VIOLATION = '23P01'
