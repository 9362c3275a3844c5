/** Which instance an instance is: chosen by the rollout before it starts, so that asking for it twice starts it once. */
export interface Placement {
  /** Unique over all versions and attempts, such as `web-2-r7-1`. */
  readonly id: string
  /** What kind of process it is, such as `web` or `worker`. */
  readonly role: string
  /** Position within its role, from 1. A new instance takes the slot of the one that it replaces. */
  readonly slot: number
  /** Version of the application, as whoever deploys names it. */
  readonly version: string
}

/** One instance as its deployer sees it at this moment: a child process, a pod, whatever a command started. */
export interface FleetInstance extends Placement {
  /**
   * `starting`: runs and gets no work from the deployer yet · `serving` · `draining`: finishes what it has, gets no new work ·
   * `stopping`: was told to end · `gone`: has ended, and is only remembered.
   */
  readonly state: 'starting' | 'serving' | 'draining' | 'stopping' | 'gone'
  readonly health: Health
  /** Requests under way, where the deployer can tell. */
  readonly inFlight?: number
  /** Milliseconds in this state, by a clock that does not jump. */
  readonly inStateMs: number
  /** How often its deployer started it again after it had ended by itself, where it does that. */
  readonly restarts?: number
  /** It served, ended by itself and is being started again: it serves, without a word from anybody, as soon as it is well. */
  readonly returning?: boolean
  /** How it ended, of one that is gone or was started again: `exit code 1`, `SIGKILL`. */
  readonly ended?: string
}

/** Results of the health checks in a row. What could not be measured counts neither as passed nor as failed. */
export interface Health {
  readonly passes: number
  readonly failures: number
  /** Milliseconds since the first of the passes in a row; 0 when the last one failed. */
  readonly healthyForMs: number
  /** What the last check that failed said. */
  readonly lastError?: string
}
