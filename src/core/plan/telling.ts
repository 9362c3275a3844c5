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

/** Such a look: what it says of the rows, and of what they keep from coming up. What was done stays, and the same step is the next one. */
export function cameLate(look: Inspection, rows: string, comingUp: string): Inspection {
  return {
    ...look,
    otherwise: `${rows}: they came after the last look, so ${comingUp} is not up yet.`,
    hint: 'Change or delete these rows, and run the same command again: it goes on with this step. Find out who writes such rows: it must not do so any more.',
  }
}
