import { SHARE_MIN } from './limits.ts'

/** What somebody asks of a backfill or a verification while it runs. The last word counts, and replaces all before it. */
export interface ThrottleRequest {
  /** The share of the time in which batches may run: 0 is a pause, 1 none. */
  readonly share?: number
  /** Batches side by side. */
  readonly workers?: number
  /** After so long it is over; without it it stands until somebody asks for something else. */
  readonly forMs?: number
  readonly reason?: string
}

/** What cannot be meant by a request, as a sentence. */
export function requestProblem({ share = 1, workers = 1, forMs = 1 }: ThrottleRequest): string | undefined {
  if (!(share === 0 || (share >= SHARE_MIN && share <= 1)))
    return `A share of the time is 0, or between ${SHARE_MIN} and 1, not ${share}.`
  if (!(Number.isSafeInteger(workers) && workers >= 1)) return `There is at least one worker, not ${workers}.`
  return forMs > 0 ? undefined : 'A time for which it is to hold is more than none.'
}
