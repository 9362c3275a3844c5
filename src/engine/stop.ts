import { BellowsError } from '../core/errors.ts'
import type { Engine } from './context.ts'

/** Called wherever nothing is half done. */
export function stopIfAsked(engine: Pick<Engine, 'isStopping'>): void {
  if (!engine.isStopping()) return
  throw new BellowsError('interrupted', 'Stopped as asked; everything that was begun is complete.', {
    hint: 'Run the same command again to go on from here.',
  })
}

/** The same in a rollout, which goes on by itself or stands still, depending on who deploys. */
export function stopRolloutIfAsked(engine: Pick<Engine, 'isStopping'>, whatStays: string): void {
  if (!engine.isStopping()) return
  throw new BellowsError('interrupted', `Stopped as asked; ${whatStays}.`, {
    hint: 'Run the same command again, or "bellows deploy resume", to go on from here; "bellows deploy abort" takes it back.',
  })
}
