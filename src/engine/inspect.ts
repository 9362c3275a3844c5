import { BellowsError } from '../core/errors.ts'
import type { InspectStep } from '../core/plan/step.ts'
import type { Driving } from './context.ts'

/**
 * Looks for rows that are in the way.
 * @throws BellowsError `rows_in_the_way` with some of them; nothing was changed
 */
export async function inspect({ database, settings }: Driving, step: InspectStep): Promise<void> {
  const rows = await database.readOnly<Readonly<Record<string, unknown>>>(
    step.offenders,
    settings.scanTimeoutMs,
  )
  if (rows.length === 0) return
  throw new BellowsError(
    'rows_in_the_way',
    `${step.otherwise} Such as: ${rows.map((row) => JSON.stringify(row)).join(', ')}`,
    { step: step.id, hint: step.hint, facts: { rows } },
  )
}
