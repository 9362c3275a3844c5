import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'

/**
 * Has the run begun a step that cannot share a transaction with its record, or done one that an undo has not come to yet? Then what
 * is there may be its own.
 */
export async function wasStarted({ journal }: Engine, run: Run, step: string): Promise<boolean> {
  const entries = await journal.entries([run.id])
  const undone = entries.findLastIndex(({ event }) => event.type === 'retire_undone')
  return entries.some(
    ({ event }, at) =>
      (event.type === 'step_started' || (event.type === 'step_done' && at > undone)) && event.step === step,
  )
}
