import { BellowsError } from '../../errors.ts'

/** What is wrong with the table as it is written. */
export function invalid(message: string, hint?: string): BellowsError {
  return new BellowsError('migration_invalid', message, hint === undefined ? {} : { hint })
}
