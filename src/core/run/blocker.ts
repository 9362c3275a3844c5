/** A session that holds a lock in the way. */
export interface Blocker {
  readonly pid: number
  readonly user: string
  readonly application: string
  /** Seconds since its transaction began. */
  readonly transactionSeconds: number
  readonly query: string
}
