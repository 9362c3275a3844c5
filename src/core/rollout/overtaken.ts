import type { RolloutHistory } from './begin.ts'
import { leftBy } from './stands-on.ts'

/** What runs in place of a version that was rolled out before, or is to. */
export interface Overtaking {
  readonly version: string
  readonly isOver: boolean
}

/** Whoever rolled out a version and waits since then keeps nobody from rolling out another one. */
export function overtaking(history: RolloutHistory, version: string): Overtaking | undefined {
  const at = history.findLastIndex(({ event }) => event.kind === 'rollout_started')
  const last = history[at]
  if (last?.event.kind !== 'rollout_started') return undefined
  const end = history.slice(at + 1).find(({ run }) => run === last.run)?.event
  const isOver = end?.kind === 'ended'
  const there = isOver ? leftBy(last.event, end.outcome) : [last.event.version]
  const other = there.find((one) => one !== version)
  return other === undefined ? undefined : { version: other, isOver }
}
