import type { RolloutOutcome } from '../core/rollout/event.ts'
import type { FleetInstance, Placement } from '../core/rollout/fleet.ts'
import type { Inventory } from '../core/rollout/inventory.ts'
import type { Changed, Release, SavedTemplate } from '../core/rollout/release.ts'
import type { RolledWorkload, WorkloadFacts } from '../core/rollout/workload.ts'

/**
 * Starts and stops the instances of an application, one by one. Every call may be repeated, also by another process after this
 * one was killed: what is done already is not done again.
 */
export interface Deployer {
  /** What runs, is ending, or is remembered, of every version. When it cannot be told the call fails: that is not "nothing". */
  fleet(): Promise<readonly FleetInstance[]>
  /** Starts it, unless one with this id was started before. It gets no work yet. */
  start(placement: Placement): Promise<void>
  /** Gives it work. A role that takes its work by itself has begun already. */
  serve(id: string): Promise<void>
  /** Gives it no new work. */
  drain(id: string): Promise<void>
  /** Tells it to end, and ends it when it has not within its stop timeout. Does not wait for that. */
  stop(id: string): Promise<void>
  /** Drops what is remembered of one that is gone. */
  forget(id: string): Promise<void>
  /** The last lines that it wrote, oldest first. */
  log(id: string, lines: number): Promise<readonly string[]>
}

/**
 * The workloads of a Kubernetes namespace that run the application. Every call may be repeated: what is done already is not done
 * again. Numbers of replicas are never written.
 */
export interface Cluster {
  /** What runs and what would start more. It does not fail: what could not be read is said in it. */
  inventory(): Promise<Inventory>
  look(workload: RolledWorkload): Promise<WorkloadFacts>
  /** The pod template of the moment. */
  template(workload: RolledWorkload): Promise<SavedTemplate>
  /** Brings a version into a template that is still the saved one, or is ours already. */
  apply(workload: RolledWorkload, release: Release, saved: SavedTemplate): Promise<Changed>
  /** Puts a saved template back in the place of ours. */
  restore(workload: RolledWorkload, release: Release, saved: SavedTemplate): Promise<Changed>
  /** Returns when something may have changed since it was called last, and after that time in any case. */
  changed(atMostMs: number): Promise<void>
  close(): void
}

/** How a rollout stands when nobody drives it any further. */
export interface Page {
  readonly database: string
  readonly migration: string
  readonly run: number
  /** Version of the application. */
  readonly version: string
  /** `waiting`: it was not over in time. */
  readonly outcome: RolloutOutcome | 'paused' | 'waiting'
  /** `paused` on its way `back` is a rollback that failed. */
  readonly direction: 'forward' | 'back'
  readonly because: string
  /** The instance that failed last, where instances are replaced one by one. */
  readonly failed?: string
}

/**
 * Tells somebody. It takes no longer than a bound of its own, and does not fail.
 * @returns why nobody was told, if so
 */
export type Pager = (page: Page) => Promise<string | undefined>
