import { BellowsError } from '../core/errors.ts'
import type { Engine } from './context.ts'

/** Called wherever nothing is half done. */
export function stopIfAsked(engine: Pick<Engine, 'isStopping'>): void {
  if (!engine.isStopping()) return
  throw new BellowsError('interrupted', 'Stopped as asked; everything that was begun is complete.', {
    hint: 'Run the same command again to go on from here.',
  })
}
