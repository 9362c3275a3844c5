/** A bound of a signal, or the word that it is not looked at. */
export type Limit = number | 'off'

/** What brakes a backfill. Above half of a limit it works a smaller share of the time, above the limit it stands still. */
export interface Limits {
  /** How far a standby may be behind in its replay. */
  readonly replayLagMs: Limit
  /** How much it may have to replay: of a standby that catches up the server knows no time, and of one that has frozen an old one. */
  readonly replayLagBytes: Limit
  /** Log that is kept for a replication slot. One that the server would cut off earlier has a limit of its own. */
  readonly slotBytes: Limit
  /** Files of the log that are written and not archived. An archiver that fails is over every limit. */
  readonly archiveFiles: Limit
  /** How long a session may wait for a lock that a session of ours holds. */
  readonly lockWaitMs: Limit
  /** What a vacuum of the table does to it. One that prevents wraparound is always let through, unless it is `off`. */
  readonly vacuum: 'pause' | 'slower' | 'off'
  /** How much of all versions of rows may be dead, where they are many. */
  readonly deadPercent: Limit
  /** For how long somebody may keep what is dead from being removed. */
  readonly horizonMs: Limit
  /** How long a commit may take. */
  readonly commitMs: Limit
  /** Sessions at work at the same moment, our own not counted. */
  readonly activeBackends: Limit
  /** Room on the disk that is left to everybody else, the journal included. */
  readonly diskReserveBytes: Limit
  /** How large the disk of the server is, where somebody has said so: the server does not know. */
  readonly diskBytes?: number
}

/** What speaks against going on at full speed. */
export interface Hold {
  /** The share of the time in which batches may run; 0 is a pause. */
  readonly share: number
  /** For people, with the figure and its limit. */
  readonly because: string
}

/** The time is cut into ten parts: a smaller share would be none, and a backfill that is slowed never stands still by that alone. */
export const SHARE_MIN = 0.1

/** Nothing up to half of the limit; from there less and less, and a pause behind it. */
export function held(value: number, limit: Limit, because: (limit: number) => string): readonly Hold[] {
  if (limit === 'off' || value <= limit / 2) return []
  const share = value > limit ? 0 : Math.max(SHARE_MIN, 2 - (2 * value) / limit)
  return [{ share, because: because(limit) }]
}
