import { isHeldByHand } from '../../core/plan/at-one-go.ts'
import type { Step } from '../../core/plan/step.ts'
import type { Engine } from '../context.ts'
import { stopIfAsked } from '../stop.ts'
import { heldTooLong } from './held-too-long.ts'
import { readAskedPause } from './read-brake.ts'

/**
 * Returns when what the server does at one go may begin; asked in front of each partition where it goes by them.
 * @returns whether it was held, so that what was known before may be otherwise by now
 */
export async function whileHeldByHand(engine: Engine, run: number, step: Step): Promise<boolean> {
  if (!isHeldByHand(step)) return false
  const { pollMs, pauseMaxMs } = engine.settings.brake
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    stopIfAsked(engine)
    const pause = await readAskedPause(engine, run)
    if (pause === undefined && waitedMs === 0) return false
    // Whoever looks from elsewhere reads what was asked for.
    engine.notify({ type: 'braked', step: step.id, ...(pause ?? { pace: 'go', because: [] }) })
    if (pause === undefined) return true
    if (waitedMs >= pauseMaxMs) throw heldTooLong(step.id, step.does, pause.because, pauseMaxMs)
    await engine.clock.sleep(pollMs)
  }
}
