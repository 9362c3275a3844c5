import type { Migration } from '../operations/migration.ts'
import type { Phase, Step } from './step.ts'

/** All that a migration will do, as data. It survives a round trip through JSON, and a run executes the stored one. */
export interface Plan {
  readonly format: 1
  readonly migration: Migration
  /** Of the server it was made for, such as 180004. */
  readonly serverVersion: number
  /** In the order of their phases. */
  readonly steps: readonly Step[]
  /** Back to the start from anywhere before purge; the steps of phase `retire` alone are `undo`. */
  readonly rollback: readonly Step[]
  /** SHA-256 of everything above. */
  readonly hash: string
}

export function stepsOf(plan: Plan, phase: Phase): readonly Step[] {
  return plan.steps.filter((step) => step.phase === phase)
}

export function undoSteps(plan: Plan): readonly Step[] {
  return plan.rollback.filter((step) => step.phase === 'retire')
}
