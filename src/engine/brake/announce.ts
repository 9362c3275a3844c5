import type { TableStep } from '../../core/plan/step.ts'
import type { Engine } from '../context.ts'
import type { Watching } from './watch.ts'

/** How often others are told the same again: what is older than a few of these is void. */
const TOLD_EVERY_MS = 5_000

/**
 * Tells the watcher here what holds the step back, with the figures of the moment, and leaves word of it in the journal for
 * those who look from elsewhere. That nothing does is told once.
 */
export function announcer(
  engine: Engine,
  { run, step, watching }: { readonly run: number; readonly step: TableStep; readonly watching: Watching },
): () => void {
  let before: string | undefined
  let toldAgoMs = 0
  return () => {
    const decision = watching.decision()
    const { pace } = decision
    const isFree = pace === 'go' && (before ?? 'go') === 'go'
    if (!isFree) engine.notify({ type: 'braked', step: step.id, ...decision })
    toldAgoMs += engine.settings.brake.pollMs
    if (!isFree && (pace !== before || toldAgoMs >= TOLD_EVERY_MS)) {
      toldAgoMs = 0
      // Whoever only looks on must not hold up or end the work.
      void engine.signals.tell(run, decision).catch(() => undefined)
    }
    before = pace
  }
}
