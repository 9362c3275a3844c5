import { begunSteps } from '../core/run/back.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'

/** Has the run begun a step, and not undone it since? Then what is there may be its own. */
export async function wasBegun({ journal }: Engine, run: Run, step: string): Promise<boolean> {
  return begunSteps(run.plan, await journal.entries([run.id])).has(step)
}
