import type { CheckRules } from '../core/rollout/rules.ts'
import type { KubernetesDeploy } from '../core/rollout/workload.ts'
import type { Actor, Notice } from '../core/run/event.ts'
import type { Application, Cluster, Deployer, Driver, Hands, Pager, Ports } from './ports.ts'
import type { RollRules } from './roller.ts'
import type { Settings } from './settings.ts'

/** What every part of the engine works with. */
export interface Engine extends Ports {
  readonly settings: Settings
  /** Whatever deploys the application, where it is known here. */
  readonly deployer?: Deployer
  /** The workloads that run the application, where they are known here. */
  readonly kubernetes?: Kubernetes
  /** Whoever is to hear how a rollout ends, or that it stands still. */
  readonly pager?: Pager
  /** How the application connects, where that is known here. */
  readonly application?: Application
  /** Who runs it; kept where somebody takes a responsibility. */
  readonly actor: Actor
  readonly notify: (notice: Notice) => void
  /** Has somebody asked to stop? Looked at between batches and while waiting. */
  readonly isStopping: () => boolean
  /** While a table is worked through. */
  readonly brake?: Brake
}

/** Between the batches of a step, whoever does them: in this process or in another one. */
export interface Brake {
  /**
   * Returns when the next batch may begin.
   * @throws BellowsError `interrupted` when it is stopped meanwhile, `brake_held` when the pause does not end
   */
  passed(working: Pick<Engine, 'isStopping' | 'clock'>): Promise<void>
  /** How many side by side, where somebody has asked for a number. */
  workers(): number | undefined
  /** The share of the time that somebody has asked for, 1 where nobody has; absent while that is a pause. */
  asked(): number | undefined
  /** How often somebody has waited for a pause to end; a pace that is slower is none. */
  pauses(): number
  close(): void
}

export interface Kubernetes extends Pick<KubernetesDeploy, 'mode' | 'workloads'> {
  readonly cluster: Cluster
  readonly rules: RollRules
  readonly checkRules: CheckRules
}

/** The engine while it works at a backfill: of the driver, or of somebody who helps it. */
export interface Working extends Engine {
  readonly driver: Hands
}

/** The engine while it is the driver of the database. */
export interface Driving extends Working {
  readonly driver: Driver
  /** Versions made now are on the way to another one, because a later phase was asked for. */
  readonly implied?: boolean
  /** Numbers of the rollouts that this change has begun, by run: after a lost connection none is begun a second time. */
  readonly begun?: Map<number, number>
}
