import { messageOf } from '../core/errors.ts'
import type { Engine } from './context.ts'

const FIRST_MS = 2_000
/** How often it is heard that somebody has asked to stop. */
const LOOK_MS = 250

/**
 * A server that restarts takes its time: the longer it is away the less often it is tried, for a minute in all with the usual five attempts.
 * @param attempt counts from 0
 */
export async function awaitServer(
  { clock, isStopping, notify }: Pick<Engine, 'clock' | 'isStopping' | 'notify'>,
  attempt: number,
  error: unknown,
): Promise<void> {
  notify({ type: 'waiting_for_server', because: messageOf(error) })
  for (let leftMs = FIRST_MS * 2 ** attempt; leftMs > 0 && !isStopping(); leftMs -= LOOK_MS)
    await clock.sleep(LOOK_MS)
}
