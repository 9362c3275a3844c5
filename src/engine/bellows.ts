import type { Look } from '../core/gate/stood.ts'
import type { Baseline } from '../core/history/baseline.ts'
import type { SchemaDrift } from '../core/history/drift.ts'
import type { Migration, VersionRef } from '../core/operations/migration.ts'
import type { Change } from '../core/plan/change.ts'
import type { Estimate } from '../core/plan/estimate.ts'
import type { Plan } from '../core/plan/plan.ts'
import type { Phase } from '../core/plan/step.ts'
import type { RolloutWish } from '../core/rollout/begin.ts'
import type { RolloutRequest } from '../core/rollout/event.ts'
import type { Inventory } from '../core/rollout/inventory.ts'
import type { PastRollout } from '../core/rollout/past.ts'
import type { Rollout } from '../core/rollout/rollout.ts'
import type { WorkloadFacts } from '../core/rollout/workload.ts'
import type { WorkloadRollout } from '../core/rollout/workload-rollout.ts'
import type { Finding } from '../core/run/diagnosis.ts'
import type { Notice, Progress } from '../core/run/event.ts'
import type { Quarantine } from '../core/run/quarantine.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import type { ThrottleRequest } from '../core/throttle/request.ts'
import type { Room } from '../core/throttle/room.ts'
import type { AuditEntry } from './audit.ts'
import type { Filling } from './backfill/filling.ts'
import type { Worked } from './backfill/work-beside.ts'
import type { BrakeState } from './brake/read-brake.ts'
import type { Clients } from './clients.ts'
import type { GateReport } from './gate-report.ts'
import type { BaselineReport } from './history.ts'
import type { ChangeOptions, How } from './how.ts'
import type { Registry } from './installing.ts'
import type { TableShape } from './look.ts'
import type { Checkpoint, Deployer, Holder, WhichRuns } from './ports.ts'
import type { Reaped } from './reap.ts'
import type { DeploymentWish } from './rollout/refuse.ts'
import type { WorkloadWish } from './rollout/workloads.ts'
import type { Version } from './versions.ts'

/** What can be seen of a database. Nothing here changes it. */
export interface Looking {
  /** What a migration would do: nothing when it is completed, and when it was begun what it was begun with. Needs nothing installed. */
  plan(migration: Migration): Promise<Plan>
  /** About what the backfills of a plan will need: rows, log, room and time. */
  estimate(plan: Plan): Promise<readonly Estimate[]>
  /** What these need on the disk, and what is there. Nothing where there are none, or no reserve is kept. */
  room(plan: Plan): Promise<Room | undefined>
  /** Oldest first; all of them when not said otherwise. */
  runs(which?: WhichRuns): Promise<readonly Run[]>
  /** The run of a migration, by name; one that was rolled back counts as none. */
  run(migration: string): Promise<Run | undefined>
  /** Versions of the schema that stand, ascending. */
  versions(): Promise<readonly Version[]>
  checkpoint(step: string): Promise<Checkpoint | undefined>
  brake(run: number): Promise<BrakeState | undefined>
  /** The rows that the backfills of a run could not fill and went on without. */
  quarantine(run: number): Promise<Quarantine>
  table(name: QualifiedName): Promise<TableShape | undefined>
  /** Has the column a value that the column beside it in a run lacks, or any value where there is no such run? */
  holdsMore(table: QualifiedName, column: string, run?: number): Promise<boolean>
  /**
   * @throws BellowsError what the gate of a contract would refuse a column for at this moment: instances that use it, what
   *   depends on it, nobody registered
   */
  refuseWhileNeeded(table: QualifiedName, column: string): Promise<void>
  /**
   * What each gate that a run has still to pass would say at this moment. Whom a look sees counts for the quiet time; what it cannot
   * see does so where it is to decide, as whoever waits does: see `Look`. Where a drop is left to `reap` it is asked as that will ask.
   */
  gates(run: Run, look?: Look): Promise<readonly GateReport[]>
  /** The last rolling deployment of a run, over or not: of instances, or of the workloads of a cluster. */
  rollout(run: number): Promise<Rollout | WorkloadRollout | undefined>
  /** Every rolling deployment of every run, the newest first. */
  pastRollouts(): Promise<readonly PastRollout[]>
  /** @throws BellowsError what a deployment would be refused for on its way, as far as it can be seen now */
  refuseDeployment(migration: Migration, wish: DeploymentWish): Promise<void>
  /** @throws BellowsError `run_conflict` where another version was rolled out after this one, or is being */
  refuseOvertaken(migration: Migration, version: string): Promise<void>
  /** The run whose rollout is not over, of which there is one at most; else the one for which this version was tried in vain last. */
  rollingOut(version?: string): Promise<number | undefined>
  /**
   * The workloads of the cluster that a version would be brought into, as they stand.
   * @throws BellowsError where one is not there or cannot be seen, or the database was opened without a cluster
   */
  workloads(): Promise<readonly WorkloadFacts[]>
  /** What runs in the cluster; undefined when the database was opened without one. It does not fail, see there. */
  inventory(): Promise<Inventory | undefined>
  /** Names of the tables of a namespace that have a column. */
  tablesWith(namespace: string, column: string): Promise<readonly string[]>
  /** The name of the database that is connected to. */
  name(): Promise<string>
  /** Whether a migration can be done on this server, and whether it would be wise now. */
  examine(): Promise<readonly Finding[]>
  /** What somebody decided to go on without, in all runs, and which instances were released by hand. */
  audit(): Promise<readonly AuditEntry[]>
  /** Where the history begins, when that is not an empty database. */
  baseline(): Promise<Baseline | undefined>
  /** @throws BellowsError what a baseline of these files would be refused for */
  previewBaseline(files: Readonly<Record<string, string>>): Promise<BaselineReport>
  /** What is not as the baseline and the completed runs have left it. */
  drift(): Promise<SchemaDrift>
  /** How far a run is with what works through a table, by whomever, where it is at that. */
  progress(run: number): Promise<Progress | undefined>
  /** What is said of the backfill that is under way, by whomever: how many are at it, and how. */
  filling(): Promise<Filling | undefined>
  /** Who is changing the database at the moment. */
  driver(): Promise<Holder | undefined>
}

/** What the driver of a database can do. Each call may be repeated: what is done already is not done again. */
export interface Changing extends Looking {
  /** Begins the migration, or takes up its run, and goes on to the end of a phase. */
  advance(migration: Migration, until: Phase, how?: How): Promise<Run>
  /** Goes on with a run that was begun, to the end of a phase. */
  resume(run: number, until: Phase, how?: How): Promise<Run>
  /** Lets every write of the old columns fail for so long, as a trial; 0 ends it. */
  brownOut(run: number, ms: number): Promise<Run>
  /**
   * Replaces the instances of the application by those of a version, or goes on with that where it was left.
   * @throws BellowsError `rollout_failed` when it was taken back or abandoned, `rollout_paused` when it waits for somebody
   */
  rollOut(run: number, wish: RolloutWish, deployer: Deployer): Promise<Rollout>
  /** Goes on with the rollout of a run by the rules that it was begun with. */
  resumeRollout(run: number, deployer: Deployer): Promise<Rollout>
  /** The same with the workloads of the cluster that the database was opened with, or waits until somebody else has done so. */
  rollOutWorkloads(run: number, wish: WorkloadWish): Promise<WorkloadRollout>
  resumeWorkloads(run: number, waitMs: number): Promise<WorkloadRollout>
  /** Brings a hidden column back. */
  undo(run: number): Promise<Run>
  /**
   * Takes a run back to the start, from anywhere before purge.
   * @throws BellowsError `not_reversible` behind it, `run_conflict` while what was rolled out for it may still run
   */
  rollback(run: number): Promise<Run>
  /**
   * Lets the history begin here: the files, by name with the SHA-256 of their texts, count as applied and no others but those that
   * ran; and the schema as it is counts as the one that should be.
   */
  setBaseline(files: Readonly<Record<string, string>>): Promise<BaselineReport>
  /** Takes a version out of the history; what it did to the rows stays. */
  withdraw(run: number, version: VersionRef): Promise<void>
  /** Puts a version into the history whose effect is there already. */
  stand(run: number, change: Change, rows: number): Promise<void>
}

export interface Bellows extends Looking {
  /** Makes the namespace `bellows` where it is not there yet, so that applications can register before any change. */
  install(): Promise<void>
  /**
   * Does work as the one driver of the database. What the work sees is true until it ends, because nobody else changes
   * anything. When the connection is lost the work begins anew, so it must look before it acts.
   */
  change<R>(work: (driver: Changing) => Promise<R>, options?: ChangeOptions): Promise<R>
  /** Lets `reap` drop a hidden shape once it has been hidden for so long. */
  schedulePurge(run: number, graceMs: number): Promise<Run>
  /**
   * Fills ranges of whatever backfill is under way, beside its driver, whose place it does not take; then of the next one. Ends when it is asked
   * to stop, or with `once` as soon as nothing is to be filled.
   */
  work(how?: { readonly once?: boolean }): Promise<Worked>
  /** Drops every hidden shape whose time has come; for cron. */
  reap(): Promise<readonly Reaped[]>
  /**
   * Asks whoever drives the rollout of a run, or will drive it next. Needs no driver, and waits for none.
   * @throws BellowsError `run_not_found` when no rollout of the run is under way
   */
  askRollout(run: number, request: RolloutRequest): Promise<void>
  /** Follows a run that somebody else drives, until it is over or this one is asked to stop; see `onNotice` where nobody else is told. */
  watch(run: number, tell?: (notice: Notice) => void): Promise<Run>
  /**
   * While somebody waits at the gate: compares at a low rate, again and again, what no constraint keeps true, until it is closed or there is nothing of that.
   * @throws BellowsError `verification_failed` when it finds something
   */
  keepComparing(run: number, closed: AbortSignal): Promise<void>
  /** Slows the backfill and the verification of a run, or pauses them, whoever works on them; refused for a run that is over. */
  throttle(run: number, request: ThrottleRequest): Promise<void>
  readonly instances: Registry
  readonly clients: Clients
  close(): Promise<void>
}
