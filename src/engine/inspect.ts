import { BellowsError } from '../core/errors.ts'
import type { InspectStep } from '../core/plan/step.ts'
import type { Sql } from '../core/sql.ts'
import type { Driving } from './context.ts'
import { holds } from './holds.ts'

/**
 * Looks for rows that are in the way.
 * @throws BellowsError `rows_in_the_way` with some of them; nothing was changed
 */
export async function inspect(engine: Driving, step: InspectStep): Promise<void> {
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

async function offendersNow(engine: Driving, { offenders, whileHidden = [] }: InspectStep): Promise<Sql> {
  for (const hidden of whileHidden) if (await holds(engine, hidden.when)) return hidden.offenders
  return offenders
}
