import type { RolloutEvent } from '../../core/rollout/event.ts'
import type { Driving } from '../context.ts'
import { note } from '../note.ts'

/** Writes down what happens in a rollout, and says it. */
export async function noted(engine: Driving, run: number, events: readonly RolloutEvent[]): Promise<void> {
  if (events.length === 0) return
  await note(
    engine,
    run,
    events.map((event) => ({ type: 'rollout', event })),
  )
  for (const event of events) engine.notify({ type: 'rollout', event })
}
