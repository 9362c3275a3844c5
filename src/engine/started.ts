import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'

/** Has the run begun a step that cannot share a transaction with its record? Then what is there may be its own. */
export async function wasStarted({ journal }: Engine, run: Run, step: string): Promise<boolean> {
  const entries = await journal.entries([run.id])
  return entries.some(({ event }) => event.type === 'step_started' && event.step === step)
}
