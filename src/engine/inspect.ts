import { BellowsError } from '../core/errors.ts'
import type { Inspection } from '../core/plan/inspection.ts'
import type { Step, TransactionStep } from '../core/plan/step.ts'
import type { Sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds } from './holds.ts'

/**
 * Looks for rows that are in the way.
 * @throws BellowsError `rows_in_the_way` with some of them; nothing was changed
 */
export async function inspect(engine: Driving, step: Looking): Promise<void> {
  const { database, settings } = engine
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

type Looking = Inspection & Pick<Step, 'id'>

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
    if (isRefused && refusedBy !== undefined) await inspect(engine, { id, ...refusedBy })
    throw error
  }
}

const EXCLUSION_VIOLATION = '23P01'
