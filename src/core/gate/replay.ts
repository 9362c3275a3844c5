import { spoken } from './usage.ts'

/** How a standby follows, and what a change of a table that is read there would wait for. */
export interface Replay {
  readonly standby: string
  /** A server that follows nobody replays nothing. */
  readonly isStandby: boolean
  readonly isPaused: boolean
  /** Does it wait for a reader at this moment? */
  readonly isWaiting: boolean
  /** Bytes received and not replayed; absent where it is fed from an archive. */
  readonly behindBytes: number | null
  /** Age of the last transaction that it has replayed. Tells nothing where it is behind by no byte: nobody may have written. */
  readonly behindMs: number | null
  /** How long the replay waits for a reader before it ends its query; below 0 for ever. */
  readonly patienceMs: number
  /** Queries that were ended there for the sake of a lock. */
  readonly cancelled: number
}

/** In words, for whoever is about to change a table that is read there. Nothing of it keeps a gate closed. */
export function replaySentence(replay: Replay): string {
  const { standby, isStandby, patienceMs, cancelled } = replay
  if (!isStandby) return `${standby} follows no other server`
  const reader =
    patienceMs < 0
      ? 'waits there for readers of the table for as long as they take'
      : patienceMs === 0
        ? 'ends queries on the table there at once'
        : `waits there for readers of the table up to ${spoken(patienceMs)}, and then ends their queries`
  const before = cancelled === 0 ? '' : ` (${cancelled} ended so far)`
  return `${standby} ${standing(replay)}; the contract ${reader}${before}`
}

function standing({ isPaused, isWaiting, behindBytes, behindMs }: Replay): string {
  const bytes = behindBytes === null ? '' : `${behindBytes.toLocaleString('en-US')} bytes`
  const time = behindMs === null ? '' : spoken(behindMs)
  const behind = [bytes, time].filter((part) => part !== '').join(' and ')
  if (isPaused) return `replays nothing, somebody has paused it; it is ${behind} behind`
  if (isWaiting) return `waits for a reader already; it is ${behind} behind`
  return behindBytes === 0 ? 'has replayed everything' : `is ${behind} behind`
}
