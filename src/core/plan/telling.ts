import type { Inspection } from './inspection.ts'
import type { StepDraft } from './step.ts'

/** What reads rows as it goes, and stops nobody from writing such as it does not take until it has begun. */
const READS: ReadonlySet<StepDraft['kind']> = new Set([
  'concurrent_index',
  'foreign_key_parts',
  'index_parts',
  'validate',
  'validate_parts',
])

/** Has steps that rows may refuse say which, as the look before them does: one may have come since, and PostgreSQL names one at most. */
export function tellingOf(steps: readonly StepDraft[], look: Inspection): readonly StepDraft[] {
  return steps.map((step) => (READS.has(step.kind) ? { ...step, refusedBy: look } : step))
}

/** How such a look ends: what was done stays, and the same step is the next one. */
export const GOES_ON =
  'Change or delete these rows, and run the same command again: it goes on with this step. Find out who writes such rows: it must not do so any more.'
