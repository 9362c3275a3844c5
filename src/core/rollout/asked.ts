import type { Asked } from './event.ts'
import type { Paused } from './rollout.ts'

/** Where a rollout stands with whoever may ask something of it. */
interface Askable {
  readonly direction: 'forward' | 'back'
  readonly paused: Paused | undefined
  readonly abortedBy: string | undefined
}

/** What somebody asked for takes effect. What it means to go on is the rollout's own. */
export function afterAsking<R extends Askable>(
  rollout: R,
  { request, by }: Asked,
  resumed: (rollout: R) => R,
): R {
  switch (request) {
    case 'pause':
      return rollout.paused === undefined
        ? { ...rollout, paused: { because: `paused by ${by}`, kind: 'asked' } }
        : rollout
    case 'resume':
      return resumed(rollout)
    case 'abort': {
      // Taking a way back twice is the same way, unless it has come to a stop.
      const isUnderWay = rollout.direction === 'back' && rollout.paused === undefined
      return isUnderWay ? rollout : { ...rollout, abortedBy: by }
    }
  }
}
