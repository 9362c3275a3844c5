import type { RolloutHistory } from './begin.ts'
import type { RolloutOutcome, RolloutStarted, RollStarted } from './event.ts'

/** A rollout, with the place in the journal at which it began. */
export interface PastOne {
  readonly seq: number
  readonly run: number
  readonly atMs: number
  readonly begun: RolloutStarted | RollStarted
  /** Absent while it is not over. */
  readonly end?: { readonly atMs: number; readonly outcome: RolloutOutcome; readonly because: string }
}

/** In the order in which they began. A run has one at a time. */
export function rolloutsIn(history: RolloutHistory): readonly PastOne[] {
  const ends = new Map<number, PastOne['end']>()
  const newestFirst = history.toReversed().flatMap(({ seq, run, atMs, event }): readonly PastOne[] => {
    if (event.kind === 'ended') ends.set(run, { atMs, outcome: event.outcome, because: event.because })
    if (event.kind !== 'rollout_started') return []
    const end = ends.get(run)
    ends.delete(run)
    return [{ seq, run, atMs, begun: event, ...(end === undefined ? {} : { end }) }]
  })
  return newestFirst.toReversed()
}
